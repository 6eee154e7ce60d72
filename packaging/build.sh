#!/usr/bin/env bash
# Builds what a release consists of, into target/dist:
#
#   packaging/build.sh [TARGET]      for example x86_64-unknown-linux-musl
#
# Without TARGET it builds for this machine; the program is then static only if this machine's
# target is. Needs cargo-deb for the .deb and cargo-generate-rpm for the .rpm; says which is missing.
# With NO_BUILD=1 it packs the program that was built before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
for_target=(${1:+--target "$1"})
program=target/${1:+$1/}release/qcc
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
name=qcc-$version-$target
dist=target/dist made=packaging/generated
mkdir -p "$dist" "$made"

# cargo-auditable puts the list of dependencies into the program, where scanners find it.
build=(build)
if cargo auditable --version >/dev/null 2>&1; then
    build=(auditable build)
else
    echo "skipped: cargo-auditable is not installed"
fi
[ -n "${NO_BUILD:-}" ] || cargo "${build[@]}" --release --locked --package qcc-cli "${for_target[@]}"

# What the packages hold besides: the units for /usr/bin, completions, the settings.
sed -e '1d' -e 's|/usr/local/bin/qcc|/usr/bin/qcc|' docs/operations/qcc.service > "$made/qcc.service"
cp docs/operations/qcc.socket docs/operations/qcc.toml "$made/"
run=$program
"$run" --version >/dev/null 2>&1 || run=${QCC_FOR_COMPLETIONS:-qcc} # built for another machine
"$run" completions bash > "$made/qcc.bash"
"$run" completions zsh > "$made/_qcc"
"$run" completions fish > "$made/qcc.fish"

mkdir -p "$dist/$name"
cp "$program" README.md README.zh-CN.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$dist/$name/"
cp -r docs/operations "$dist/$name/"
tar -C "$dist" -czf "$dist/$name.tar.gz" "$name"
rm -r "${dist:?}/$name"

if cargo deb --version >/dev/null 2>&1; then
    cargo deb --package qcc-cli --no-build --compress-system "${for_target[@]}" --output "$dist/"
else
    echo "skipped: cargo-deb is not installed"
fi
if cargo generate-rpm --version >/dev/null 2>&1; then
    cargo generate-rpm --package crates/qcc-cli "${for_target[@]}" --output "$dist/"
else
    echo "skipped: cargo-generate-rpm is not installed"
fi

# The folder for packaging/Containerfile. A program that is not static brings its libraries along,
# so that the image can be tried; a release never does.
image=$dist/image
rm -rf "$image"
mkdir -p "$image/data"
cp "$program" "$image/qcc"
libraries=$(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true)
for library in $libraries; do
    install -D "$library" "$image$library"
    echo "note: the program is not static, it needs $library"
done

cd "$dist"
rm -f SHA256SUMS
sums=$(find . -maxdepth 1 -type f -printf '%P\n' | sort | xargs sha256sum)
echo "$sums" | tee SHA256SUMS
