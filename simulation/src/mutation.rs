//! The invariants, broken on purpose: a checker that never fails proves nothing.

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $what:literal;)*) => {
        /// One way to break an invariant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Mutation { $($(#[$doc])* $name,)* }

        impl Mutation {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What is broken, in a sentence.
            pub(crate) const fn what(self) -> &'static str {
                match self { $(Self::$name => $what),* }
            }
        }
    };
}

mutations! {
    LastApplied = "last-applied-stands", "of two versions the one applied last stands, whatever its rank";
    RankInverted = "rank-inverted", "of two versions the lesser stands";
    HalfCommit = "half-commit", "records are written outside the transaction";
    SetAsideLost = "set-aside-lost", "records that are not as the manual says are thrown away";
    RestDropped = "rest-dropped", "one bad record drops the rest of its batch";
    AppliedTwice = "applied-twice", "the ledger does not move with the records, so that an order is applied once more";
    AckBeforeDurable = "ack-before-durable", "a call is answered before its order is in the ledger";
    AckOnFailure = "ack-on-failure", "a call is answered well though the store failed";
    RepeatRefused = "repeat-refused", "a repeated call is answered with an error";
    KeyNotCompared = "key-not-compared", "a call with any key is believed";
    FailedDropped = "failed-dropped", "an order that fails is taken for done";
    QuarantinedAtOnce = "quarantined-at-once", "an order that fails is never tried again by itself";
    NeverLists = "never-lists", "the order list is never asked for";
    LineSkipped = "line-skipped", "the oldest line of each list is overlooked";
    GapSuppressed = "gap-suppressed", "a gap is found and not reported";
    GapInvented = "gap-invented", "fresh orders are taken for a gap";
    KeepNotDurable = "keep-not-durable", "a crash takes archives away that the ledger counts on";
    NoBackOff = "no-back-off", "what fails is repeated at once, for ever";
    NeverHeals = "never-heals", "a vendor that fell silent is not asked to call again";
    HealsAtOnce = "heals-at-once", "the vendor is asked to call again without a budget";
    ProbeIgnored = "probe-ignored", "the vendor is asked to call a URL that does not reach us";
    RedirectFollowed = "redirect-followed", "a redirect is followed wherever it leads";
    PasswordLogged = "password-logged", "an archive's password stands in the log";
    SleepInWorker = "sleep-in-worker", "a failing download is waited for, and nothing else is done meanwhile";
    ApplyAfterAll = "apply-after-all", "no archive is applied before every order is fetched";
    FutureTrusted = "future-trusted", "a wait that a wrong clock set is kept to";
    SetAsideForgotten = "set-aside-forgotten", "records set aside are taken for seen by somebody";
    LocateAtEveryCall = "locate-at-every-call", "the vendor is asked about whatever a call names";
    RateOfWholeWindow = "rate-of-whole-window", "the rate of orders is judged by the whole window";
    SecretSent = "secret-sent", "the account's secret travels in a header";
}

impl std::str::FromStr for Mutation {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|mutation| mutation.as_str() == text);
        found.ok_or_else(|| anyhow::anyhow!("`{text}` is no mutation of the simulation"))
    }
}
