//! The manual's chapter 7 as data, with what to do about each line.

use super::StatusClass::{self, *};

pub(super) struct Entry {
    pub(super) code: i64,
    /// The manual's text; `None` for codes it does not list.
    pub(super) text: Option<&'static str>,
    pub(super) class: StatusClass,
    pub(super) advice: &'static str,
}

const fn manual(code: i64, text: &'static str, class: StatusClass, advice: &'static str) -> Entry {
    Entry { code, text: Some(text), class, advice }
}

/// Chapters 7.1 and 7.2, in the manual's order.
pub(super) const MANUAL: &[Entry] = &[
    manual(200, "【有效请求】查询成功", Done, "Nothing to do."),
    manual(201, "【有效请求】查询无结果", Empty, "Nothing to do: there is no result."),
    manual(
        202,
        "【有效请求】查询参数错误，请检查",
        OurFault,
        "A parameter is wrong: check the order number, the callback URL and the push window.",
    ),
    manual(
        205,
        "【有效请求】等待处理中",
        NotYet,
        "The vendor is still preparing it: ask again later.",
    ),
    manual(
        207,
        "【有效请求】请求数据的条目数超过上限（5000）",
        OurFault,
        "More than 5000 items were asked for: ask for fewer.",
    ),
    manual(
        208,
        "【有效请求】此接口不支持此公司类型查询",
        OurFault,
        "This kind of company is not covered: leave it out.",
    ),
    manual(209, "【有效请求】企业数量超过上限", OurFault, "Too many companies: ask for fewer."),
    manual(
        213,
        "【有效请求】参数长度不能小于 2",
        OurFault,
        "A parameter is shorter than two characters: correct it.",
    ),
    manual(
        215,
        "【有效请求】不支持的查询关键字",
        OurFault,
        "The search word is not supported: change it.",
    ),
    manual(
        218,
        "【有效请求】该企业暂不支持空壳扫描",
        OurFault,
        "Shell-company scans do not cover this company: leave it out.",
    ),
    manual(
        219,
        "【有效请求】该企业暂不支持准入尽调",
        OurFault,
        "Admission checks do not cover this company: leave it out.",
    ),
    manual(
        101,
        "【无效请求】当前的 KEY 无效或者还未生效中",
        Account,
        "The vendor does not know the key, or it is not in force yet: compare it with the one \
         under 设置中心 → 我的公司.",
    ),
    manual(
        102,
        "【无效请求】当前 KEY 已欠费",
        Account,
        "The key's account is in arrears: settle the bill with the vendor.",
    ),
    manual(
        103,
        "【无效请求】当前 KEY 被暂停使用",
        Account,
        "The key is suspended: ask the vendor why.",
    ),
    manual(
        104,
        "【无效请求】请求 KEY 异常，请联系管理员",
        Account,
        "Something is wrong with the key: check it, then ask the vendor.",
    ),
    manual(
        106,
        "【无效请求】非法请求过多，请联系管理员",
        CoolOff,
        "Too many illegal requests: stop calling, find out what was wrong with them, and ask \
         the vendor before going on.",
    ),
    manual(
        107,
        "【无效请求】被禁止的 IP 或者签名错误",
        ClockOrSignature,
        "One code, two causes: this machine's public address is not on the vendor's allowlist, \
         or the signature is wrong (a wrong SecretKey, or a clock more than five minutes off). \
         Check the clock first, then the SecretKey, then the allowlist.",
    ),
    manual(
        108,
        "【无效请求】异常请求过多，请联系管理员",
        CoolOff,
        "Too many failing requests: stop calling, find out why they failed, and ask the vendor \
         before going on.",
    ),
    manual(
        109,
        "【无效请求】请求超过每日系统限制",
        DailyLimit,
        "The system's daily limit is reached: it starts over at midnight in Shanghai.",
    ),
    manual(
        111,
        "【无效请求】接口权限未开通，请联系管理员",
        Account,
        "This interface is not enabled for the account: ask the vendor to enable it.",
    ),
    manual(
        112,
        "【无效请求】您的账号剩余使用量已不足或已过期",
        Account,
        "The account's allowance is used up or has expired: renew it with the vendor.",
    ),
    manual(
        113,
        "【无效请求】当前接口已被删除，请重新申请",
        Account,
        "This interface was removed from the account: apply for it again.",
    ),
    manual(
        114,
        "【无效请求】当前接口已被禁用，请联系管理员",
        Account,
        "This interface is disabled for the account: ask the vendor.",
    ),
    manual(
        115,
        "【无效请求】身份验证错误或者已过期",
        ClockOrSignature,
        "The signature is wrong or too old: check the clock first, then the SecretKey.",
    ),
    manual(
        116,
        "【无效请求】请求超过每日调用总量限制",
        DailyLimit,
        "The account's calls for today are used up: they start over at midnight in Shanghai.",
    ),
    manual(
        117,
        "【无效请求】当前不支持的请求参数调用量过多",
        Account,
        "Too many calls with parameters the account does not cover: ask the vendor.",
    ),
    manual(
        118,
        "【无效请求】当前接口不支持此方式的调用",
        Account,
        "The account may not call this interface in this way: ask the vendor.",
    ),
    manual(
        119,
        "【无效请求】您的帐号出现异常，请联系管理员",
        Account,
        "Something is wrong with the account: ask the vendor.",
    ),
    manual(
        199,
        "【无效请求】系统未知错误，请联系技术客服",
        Transient,
        "An unknown error at the vendor: it is repeated with growing pauses; tell the vendor if \
         it stays.",
    ),
    manual(
        203,
        "【无效请求】系统查询有异常，请联系技术人员",
        Transient,
        "The vendor's query failed: it is repeated with growing pauses; tell the vendor if it \
         stays.",
    ),
    manual(
        214,
        "【无效请求】您还未购买过该接口，请先购买",
        Account,
        "This interface has not been bought: buy it, or use the key of an account that has it.",
    ),
    manual(
        223,
        "【无效请求】当前接口的计费方式不支持此查询参数",
        OurFault,
        "The account's billing plan does not cover this parameter: leave it out, or change the \
         plan.",
    ),
    manual(
        500,
        "【无效请求】接口相关的逻辑错误",
        Transient,
        "The interface failed inside: it is repeated with growing pauses; tell the vendor if it \
         stays.",
    ),
];

/// Codes the manual lacks and sibling products of the vendor list.
pub(super) const SECOND_HAND: &[Entry] = &[Entry {
    code: 120,
    text: None,
    class: Transient,
    advice: "Not in the manual; elsewhere it is trouble at the vendor that passes: it is repeated \
             with growing pauses.",
}];
