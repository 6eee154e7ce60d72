//! The document that is measured: a million records like the manual's.
//!
//! Made from a fixed seed, so that every run and every machine reads the same
//! bytes. What an archiver cannot shorten is where the vendor's documents have
//! it: ids at random, companies that come back, sentences from a small stock.

use std::io::{self, Write};

const PLACES: [&str; 8] =
    ["四川", "北京", "鄂尔多斯市", "上海", "深圳市", "杭州", "西安市", "乌鲁木齐"];
const NAMES: [&str; 12] = [
    "中津", "喆睿", "恒通", "华泰", "瑞丰", "金盛", "东方", "鑫源", "宏达", "天成", "博远", "永昌",
];
const TRADES: [&str; 6] =
    ["建设集团有限公司", "科技经营部", "食品厂", "物流股份公司", "商贸有限责任公司", "置业公司"];
const LEVELS: [&str; 4] = ["高风险信息", "风险信息", "警示信息", "提示信息"];
const TYPES: [&str; 4] = ["红色通道", "高风险", "较低风险", "中风险"];
/// How many companies are watched: each comes back a few times.
const COMPANIES: u64 = 200_000;

/// Writes a document with `records` records.
pub(super) fn write(out: &mut impl Write, records: u32) -> io::Result<()> {
    write!(out, r#"{{"pushDate":"2022-06-07 10:13:42","totalSize":{records},"result":["#)?;
    let mut random = Random(20_220_607);
    for n in 0..records {
        let separator = if n == 0 { "" } else { "," };
        let id = random.wide();
        let company = random.below(COMPANIES);
        // The same company always has the same key and name.
        let mut of_company = Random(company);
        let key = of_company.wide();
        let (place, name) = (of_company.of(&PLACES), of_company.of(&NAMES));
        let (other, trade) = (of_company.of(&NAMES), of_company.of(&TRADES));
        let (level, kind) = (random.of(&LEVELS), random.of(&TYPES));
        let (score, month, day) = (random.below(100), 1 + random.below(12), 1 + random.below(28));
        write!(
            out,
            r#"{separator}{{"id":"{id:032x}","corpKeyNo":"{key:032x}","corpName":"{place}{name}{other}{trade}","monitorContent":""#
        )?;
        match random.below(2) {
            0 => write!(out, "该企业由原“{}”上升至“{kind}”", random.of(&TYPES))?,
            _ => write!(
                out,
                "因未按时履行法律义务被{}人民法院列为失信被执行人，案号{:04}第{}号",
                random.of(&PLACES),
                random.below(10_000),
                random.below(1000)
            )?,
        }
        write!(
            out,
            r#"","monitorLevel":"{level}","monitorType":"{kind}","score":{score},"changeDate":"2022-{month:02}-{day:02}"}}"#
        )?;
    }
    out.write_all(b"]}")
}

/// SplitMix64: a few lines, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn of(&mut self, words: &[&'static str]) -> &'static str {
        words.get(self.below(words.len() as u64) as usize).copied().unwrap_or_default()
    }
}
