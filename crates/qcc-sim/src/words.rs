//! Invented companies, and the words the manual has for what befalls them.
//!
//! Names are put together from general words; any likeness is chance.

use crate::seed::{self, Rng};

const PLACES: &[&str] = &[
    "四川", "浙江", "江苏", "广东", "山东", "湖北", "湖南", "河南", "福建", "安徽", "陕西", "辽宁",
    "成都", "杭州", "苏州", "青岛", "武汉", "长沙", "合肥", "厦门", "宁波", "西安", "昆明", "大连",
];

const FIRST: &[&str] = &[
    "中", "华", "宏", "瑞", "鑫", "恒", "嘉", "盛", "远", "博", "锦", "泰", "安", "启", "云", "天",
];

const SECOND: &[&str] = &[
    "津", "信", "达", "源", "丰", "隆", "茂", "辰", "科", "宇", "川", "岭", "禾", "诚", "岳", "澜",
];

const TRADES: &[&str] = &[
    "建设集团",
    "实业",
    "科技",
    "贸易",
    "物流",
    "置业",
    "新能源",
    "供应链管理",
    "环境工程",
    "生物医药",
    "文化传媒",
    "机械制造",
    "农业发展",
    "信息技术",
    "(集团)投资",
    "食品",
];

const FORMS: &[&str] = &["有限公司", "有限公司", "有限公司", "股份有限公司", "有限责任公司"];

/// A company's name, like 四川中津建设集团有限公司.
pub(crate) fn company(rng: &mut Rng) -> String {
    [PLACES, FIRST, SECOND, TRADES, FORMS].iter().map(|words| seed::pick(rng, words)).collect()
}

/// A class of risk, from the gravest to the mildest within its scale.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Class {
    /// The word for `monitorType`.
    pub(crate) word: &'static str,
    /// The word for `monitorLevel` that goes with it.
    pub(crate) level: &'static str,
    /// The scores that go with it: from here, and the nineteen above.
    pub(crate) score: i32,
}

/// The manual's five classes of risk.
pub(crate) const CLASSES: &[Class] = &[
    Class { word: "高风险", level: "高风险信息", score: 80 },
    Class { word: "较高风险", level: "风险信息", score: 60 },
    Class { word: "中风险", level: "警示信息", score: 40 },
    Class { word: "较低风险", level: "提示信息", score: 20 },
    Class { word: "低风险", level: "提示信息", score: 0 },
];

/// The manual's three channels.
pub(crate) const CHANNELS: &[Class] = &[
    Class { word: "红色通道", level: "高风险信息", score: 75 },
    Class { word: "黄色通道", level: "警示信息", score: 45 },
    Class { word: "绿色通道", level: "提示信息", score: 10 },
];

/// A type and a level that no manual lists.
pub(crate) const UNKNOWN: Class =
    Class { word: "蓝色通道", level: "特别关注信息", score: 50 };
