//! `qcc doctor`: each thing that must be right, checked, and what to do where
//! it is not.

mod finding;
mod local;
mod own_url;
mod vendor;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    app::App,
    commands::hold::IgnoreHold,
    exit::Exit,
    output::{Paint, plain},
};
use finding::{Finding, Verdict};

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Also call this callback URL and check who answers [env: QCC_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Do not call the vendor or the callback URL
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    hold: IgnoreHold,
    /// One JSON object for each check
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(crate) async fn run(self, app: &mut App) -> anyhow::Result<Exit> {
        let mut findings = local::settings(&app.config);
        findings.extend(local::proxies(&app.config));
        if !self.offline {
            findings.extend(vendor::reach(&app.config, self.hold, Timestamp::now()).await);
        }
        findings.push(local::store(&app.config).await);
        findings.push(local::archives(&app.config));
        let known = app.config.serve.public_url.as_ref().map(|url| url.value.as_str());
        if let Some(url) = self.callback_url.as_deref().or(known) {
            findings.push(own_url::look(&app.config, url, self.offline).await);
        }
        for finding in &findings {
            self.print(app, finding)?;
        }
        Ok(worst(&findings))
    }

    fn print(&self, app: &mut App, finding: &Finding) -> anyhow::Result<()> {
        let Finding { check, verdict, detail } = finding;
        let paint = Paint::stdout();
        let (word, mark) = match verdict {
            Verdict::Fine => ("ok", paint.good("ok  ")),
            Verdict::Doubtful => ("warn", paint.doubtful("warn")),
            Verdict::Bad(_) => ("fail", paint.bad("fail")),
        };
        if self.json {
            app.out.json(&json!({ "check": check, "verdict": word, "detail": detail }))?;
        } else {
            app.out.line(format_args!("{mark}  {check:<14}  {}", plain(detail)))?;
        }
        Ok(())
    }
}

/// Wrong settings come first: later failures may only follow from them.
fn worst(findings: &[Finding]) -> Exit {
    let failed = |exit| findings.iter().any(|finding| finding.verdict == Verdict::Bad(exit));
    [Exit::Usage, Exit::Vendor, Exit::Failed, Exit::Archive, Exit::Unfinished]
        .into_iter()
        .find(|exit| failed(*exit))
        .unwrap_or(Exit::Done)
}
