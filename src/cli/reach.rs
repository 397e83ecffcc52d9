//! `fanal status available` and `fanal status rings`: who can be reached, and by whose calls.

use serde_json::Value;

use super::http::{Api, Method, part};
use super::status::{line, text};
use super::{EXIT_FALSE, EXIT_WELL, Fault, say};

/// Of whom.
#[derive(clap::Args)]
pub struct Group {
    /// The group, as `http.group` of the agent's settings names it.
    group: String,
    /// By what.
    #[arg(long, value_parser = ["voice", "chat", "mail"], default_value = "voice")]
    channel: String,
    #[command(flatten)]
    api: Api,
}

/// Whose call, to whom.
#[derive(clap::Args)]
#[command(after_help = "Ends with 1 if it may not. The token needs the scope \"why\".")]
pub struct Call {
    /// Who is called: 101, 101@example.com or sip:101@example.com.
    person: String,
    /// Who calls.
    #[arg(long, value_name = "WHO")]
    caller: Option<String>,
    /// The group by whose queue the call comes.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    #[command(flatten)]
    api: Api,
}

/// Tells who could be reached: a line for each, and one for each way to reach them.
pub async fn available(group: Group, json: bool) -> Result<u8, Fault> {
    let Group { group, channel, api } = group;
    let path = format!("/v1/available?group={}&channel={channel}", part(&group));
    let answer = api.ask(Method::GET, &path, None).await?;
    if json {
        say(answer)?;
        return Ok(EXIT_WELL);
    }
    let reachable = answer["available"].as_array().map_or(&[][..], Vec::as_slice);
    say(format!("{} of {} in {group} for {channel}", reachable.len(), answer["members"]))?;
    for one in reachable {
        say(format!("  {}", line(one)))?;
        for way in one["contacts"].as_array().into_iter().flatten() {
            say(format!("    {}", contact(way)))?;
        }
    }
    Ok(EXIT_WELL)
}

/// Tells whether a call may ring.
pub async fn rings(call: Call, json: bool) -> Result<u8, Fault> {
    let Call { person, caller, group, api } = call;
    let mut path = format!("/v1/rings/{}", part(&person));
    let asked = [("caller", &caller), ("group", &group)];
    let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    for (nth, (name, value)) in asked.enumerate() {
        let mark = if nth == 0 { '?' } else { '&' };
        path.push_str(&format!("{mark}{name}={}", part(value)));
    }
    let answer = api.ask(Method::GET, &path, None).await?;
    let rings = answer["rings"] == true;
    match json {
        true => say(&answer)?,
        false => {
            let verb = if rings { "rings" } else { "does not ring" };
            let (aor, because) = (text(&answer["aor"]), text(&answer["because"]));
            say(format!("{aor} {verb} ({because}), {}", text(&answer["availability"])))?;
        }
    }
    Ok(if rings { EXIT_WELL } else { EXIT_FALSE })
}

fn contact(way: &Value) -> String {
    let name = way["name"].as_str().map(|name| format!(" \"{}\"", name.escape_debug()));
    format!("{}{}, priority {}", text(&way["uri"]), name.unwrap_or_default(), way["priority"])
}
