//! Limits on declared sizes and on actual content.

use qcc_archive::{Archive, Error, ErrorKind, LimitKind, Options};

use crate::{
    fixtures::{NAME, PASSWORD, fixture, read, read_usual},
    writer::{Entry, many_entries, text},
};

const GIB: u64 = 1 << 30;

#[track_caller]
fn check(result: Result<Vec<u8>, (Error, Vec<u8>)>, which: LimitKind, limit: u64) {
    let Err((error, released)) = result else { panic!("the limit did not hold") };
    assert_eq!(*error.kind(), ErrorKind::Limit { which, limit });
    assert!(released.is_empty());
}

fn read_with(bytes: &[u8], options: Options) -> Result<Vec<u8>, (Error, Vec<u8>)> {
    read(bytes, NAME, PASSWORD, options)
}

#[test]
fn a_bomb_of_a_gibibyte_ends_within_its_limit() {
    let bomb = Entry::zeros(GIB).archive();
    assert!(bomb.len() < 8 << 20);
    check(read_with(&bomb, Options::default()), LimitKind::ExpansionRatio, 256);
    let large = Options::default().with_max_ratio(5000).with_ratio_floor_bytes(0);
    check(
        read_with(&bomb, large.clone().with_max_content_bytes(GIB - 1)),
        LimitKind::ContentBytes,
        GIB - 1,
    );

    // Where the options allow it, it is content like any other, in chunks.
    let archive = Archive::open(&bomb, large.with_max_content_bytes(GIB)).unwrap();
    let verified = archive.authenticate(NAME, PASSWORD).unwrap();
    assert_eq!(verified.into_reader().finish().unwrap(), GIB);
}

#[test]
fn a_bomb_that_declares_little_ends_where_it_said() {
    for declared in [0, 100, 5_000_000] {
        let bomb = Entry { size: declared, ..Entry::zeros(GIB / 8) };
        let Err((error, released)) = read_with(&bomb.archive(), Options::default()) else {
            panic!("{declared} bytes declared, all of the bomb read");
        };
        assert_eq!(*error.kind(), ErrorKind::Size { declared: declared.into() });
        assert!(released.len() <= declared as usize);
    }
}

#[test]
fn small_contents_have_no_ratio() {
    let zeros = vec![b'0'; 20 << 20];
    let bytes = Entry::deflated(&zeros).archive();
    assert!(read_with(&bytes, Options::default()).unwrap() == zeros);
    let strict = Options::default().with_max_ratio(256).with_ratio_floor_bytes(1 << 20);
    check(read_with(&bytes, strict), LimitKind::ExpansionRatio, 256);
}

#[test]
fn a_limit_equal_to_the_size_passes() {
    let content = text(10_000);
    let bytes = Entry::deflated(&content).archive();
    let exact =
        Options::default().with_max_content_bytes(10_000).with_max_name_bytes(NAME.len() as u64);
    assert_eq!(read_with(&bytes, exact.with_max_entries(1)).unwrap(), content);
    let small = Options::default().with_max_content_bytes(9_999);
    check(read_with(&bytes, small), LimitKind::ContentBytes, 9_999);
    let short = Options::default().with_max_name_bytes(NAME.len() as u64 - 1);
    check(read_with(&bytes, short), LimitKind::NameBytes, NAME.len() as u64 - 1);
    let none = Options::default().with_max_entries(0);
    check(read_with(&bytes, none), LimitKind::Entries, 0);
}

#[test]
fn a_content_as_large_as_its_ratio_allows_passes() {
    let content = text(10_000);
    let packed = Entry::deflated(&content).packed.len() as u64;
    let bytes = Entry::deflated(&content).archive();
    let read = |times, floor| {
        read_with(&bytes, Options::default().with_max_ratio(times).with_ratio_floor_bytes(floor))
    };
    assert_eq!(read(0, 10_000).unwrap(), content);
    check(read(0, 9_999), LimitKind::ExpansionRatio, 0);
    let stored = Entry::stored(&content).archive();
    let once = Options::default().with_max_ratio(1).with_ratio_floor_bytes(0);
    assert_eq!(read_with(&stored, once).unwrap(), content);
    let times = 10_000_u64.div_ceil(packed);
    assert_eq!(read(times, 0).unwrap(), content);
    check(read(times - 1, 0), LimitKind::ExpansionRatio, times - 1);
}

#[test]
fn entries_are_counted_and_the_directory_is_measured() {
    let bytes = many_entries(10_001);
    let open = |options| Archive::open(&bytes, options).map(|archive| archive.entries().len());
    let refused = |options| open(options).unwrap_err().kind().clone();
    let limit = 10_000;
    let expected = ErrorKind::Limit { which: LimitKind::Entries, limit };
    assert_eq!(refused(Options::default()), expected);
    assert_eq!(open(Options::default().with_max_entries(10_001)).unwrap(), 10_001);
    let expected = ErrorKind::Limit { which: LimitKind::DirectoryBytes, limit: 100_000 };
    assert_eq!(refused(Options::default().with_max_directory_bytes(100_000)), expected);
}

#[test]
fn sixty_five_thousand_entries_cost_no_more_than_the_limit() {
    let bytes = many_entries(u16::MAX);
    let error = Archive::open(&bytes, Options::default()).unwrap_err();
    assert_eq!(error.kind().as_str(), "limit");
}

#[test]
fn stored_content_that_inflates_for_long_costs_no_more_than_it_may() {
    // A bomb for a reader that inflates stored bytes on the side.
    let bomb = Entry::zeros(GIB / 8).packed;
    let bytes = Entry::stored(&bomb).archive();
    let tight = Options::default().with_max_ratio(1).with_ratio_floor_bytes(1 << 20);
    assert!(read_with(&bytes, tight).unwrap() == bomb);
    let error =
        read_with(&bytes, Options::default().with_max_ratio(5000).with_ratio_floor_bytes(0))
            .unwrap_err()
            .0;
    assert_eq!(*error.kind(), ErrorKind::DisguisedDeflate);
}

#[test]
fn a_stored_deflate_stream_is_read_only_where_the_options_allow_it() {
    let stream = Entry::deflated(&text(100_000)).packed;
    let bytes = Entry::stored(&stream).archive();
    let (error, released) = read_with(&bytes, Options::default()).unwrap_err();
    assert_eq!((error.kind(), released.len()), (&ErrorKind::DisguisedDeflate, 0));
    let allowed = Options::default().with_disguised_deflate(true);
    assert!(read_with(&bytes, allowed.clone()).unwrap() == stream);
    // Stored entries as such can still be refused.
    let error = read_with(&bytes, allowed.with_stored(false)).unwrap_err().0;
    assert_eq!(*error.kind(), ErrorKind::UnsupportedMethod(0));
}

#[test]
fn what_a_message_shows_of_names_is_escaped_and_short() {
    let error = read_usual(fixture("name-escaped.zip")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\\u{202e}\\u{1b}[31m"), "{text}");
    let long = "x".repeat(1000);
    let error = read(fixture("good.zip"), &long, PASSWORD, Options::default()).unwrap_err().0;
    assert!(error.to_string().contains(NAME));
}
