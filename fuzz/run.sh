#!/usr/bin/env bash
# Builds the fuzz targets with libFuzzer, on stable Rust and without cargo-fuzz, and runs them:
#
#   fuzz/run.sh [--seconds N] [--asan] [TARGET…]
#
# Prints a table. Exits with 1 if a target found an input that it must not find.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=60 toolchain=() names=()
sanitizer=""
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=${2:?--seconds needs a number}; shift ;;
        # Nothing here is `unsafe`, so the address sanitizer looks at the libraries only.
        --asan) toolchain=(+nightly) sanitizer=" -Zsanitizer=address" ;;
        *) names+=("$1") ;;
    esac
    shift
done
for name in "${names[@]}"; do
    if ! cut -f 1 targets.tsv | tail -n +2 | grep -qx -- "$name"; then
        echo "there is no target \`$name\`; fuzz/targets.tsv lists them" >&2
        exit 2
    fi
done

folder=${CARGO_TARGET_DIR:-../target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
# rustc's own flags for what libFuzzer needs. With `--target`, build scripts and macros are not
# instrumented.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing -Ccodegen-units=1$sanitizer"
cargo run --quiet --package seeds --target-dir "$folder" -- "${names[@]}"
[ -z "$sanitizer" ] || folder=$folder/asan
RUSTFLAGS=$flags cargo "${toolchain[@]}" build --release --bins --target "$host" --target-dir "$folder"

table="| target | executions | per second | seconds | corpus | edges | features | peak MiB | findings |
|---|---|---|---|---|---|---|---|---|
" crashed=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=$'\t' read -r name _ longest; do
    if [ ${#names[@]} -gt 0 ] && [[ " ${names[*]} " != *" $name "* ]]; then continue; fi
    echo "  $name: $seconds s"
    mkdir -p "artifacts/$name"
    # New inputs go to the first folder; all files of both folders run first.
    inputs=("corpus/$name")
    [ ! -d "regressions/$name" ] || inputs+=("regressions/$name")
    limit=-max_total_time=$seconds
    [ "$seconds" != 0 ] || limit=-runs=0
    findings=0
    "$folder/$host/release/$name" "${inputs[@]}" "$limit" "-max_len=$longest" -timeout=10 \
        -rss_limit_mb=512 -malloc_limit_mb=64 "-dict=dictionaries/$name.dict" \
        "-artifact_prefix=artifacts/$name/" -print_final_stats=1 >/dev/null 2>"$log" || findings=1
    row=$(awk -v name="$name" -v findings=$findings '
        $1 == "stat::number_of_executed_units:" { executions = $2 }
        $1 == "stat::peak_rss_mb:" { peak = $2 }
        / runs in / { took = $5 }
        /^#/ { for (i = 1; i < NF; i++) {
            if ($i == "cov:") edges = $(i + 1)
            if ($i == "ft:") features = $(i + 1)
            if ($i == "corp:") { split($(i + 1), kept, "/"); corpus = kept[1] }
        } }
        END {
            if (executions == 0 && !findings) exit 1
            printf "| %s | %d | %d | %d | %d | %d | %d | %d | %d |", name, executions,
                executions / (took > 0 ? took : 1), took, corpus, edges, features, peak, findings
        }' "$log") || { echo "$name executed nothing" >&2; exit 1; }
    table+="$row
"
    if [ $findings = 1 ]; then
        cat "$log"
        crashed+=("$name")
    fi
done < <(tail -n +2 targets.tsv)
printf '%s' "$table"
if [ ${#crashed[@]} -gt 0 ]; then
    echo "found inputs: ${crashed[*]}; fuzz/README.md says what to do with them" >&2
    exit 1
fi
