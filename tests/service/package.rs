//! What is installed: the settings, the files of the package, and what the manual tells to type.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::home::{Home, code};

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn shown(home: &Home, config: &str) -> String {
    home.done(&["config", "show", "--config", config])
}

#[test]
fn the_installed_settings_are_the_defaults_with_the_data_of_the_service() {
    let home = Home::new("settings");
    let path = top().join("contrib/fanal.toml");
    let text = fs::read_to_string(&path).expect("the settings");
    let ours = shown(&home, &path.display().to_string());
    let said: Vec<&str> = ours.lines().filter(|line| line.contains("  # ")).collect();
    assert_eq!(said.len(), 1, "{ours}");
    assert!(said[0].starts_with("path = \"/var/lib/fanal\"  # "), "{ours}");
    // What is only suggested can be had by taking the mark away.
    let bare: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = [") => setting,
            _ => line,
        })
        .collect();
    let all = shown(&home, &home.write("all.toml", &bare.join("\n")));
    for setting in ["domains = [\"pbx.example.com\"]", "trusted = [\"10.0.0.5/32\"]"] {
        assert!(all.contains(setting), "{all}");
    }
}

#[test]
fn every_file_of_the_package_is_there() {
    let manifest: toml::Table =
        fs::read_to_string(top().join("Cargo.toml")).expect("read").parse().expect("TOML");
    let package = &manifest["package"]["metadata"]["deb"];
    let assets = package["assets"].as_array().expect("a list");
    let text = |value: &toml::Value| value.as_str().expect("a text").to_owned();
    for asset in assets.iter().map(|asset| text(&asset[0])) {
        let is_there = match asset.split_once('*') {
            Some((before, after)) => {
                let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
                let mut names = fs::read_dir(top().join(folder)).expect("a folder").flatten();
                names.any(|entry| {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    name.starts_with(start) && name.ends_with(after)
                })
            }
            None => asset.starts_with("target/") || top().join(&asset).exists(),
        };
        assert!(is_there, "{asset}");
    }
    let kept: Vec<String> =
        package["conf-files"].as_array().expect("a list").iter().map(text).collect();
    for file in &kept {
        let file = file.trim_start_matches('/');
        assert!(assets.iter().any(|asset| text(&asset[1]) == file), "{file}");
    }
    for file in ["contrib/debian/postinst", "contrib/systemd/fanal.service"] {
        assert!(top().join(file).exists(), "{file}");
    }
}

#[test]
fn the_variables_of_the_container_are_settings() {
    let home = Home::new("container");
    let dockerfile = fs::read_to_string(top().join("Dockerfile")).expect("the Dockerfile");
    let mut command = home.command(&["config", "show"]);
    let words = dockerfile.split_whitespace().filter(|word| word.starts_with("FANAL_"));
    let mut count = 0;
    for (name, value) in words.filter_map(|word| word.split_once('=')) {
        let is_example = value.is_empty();
        command.env(name, if is_example { "x" } else { value });
        count += 1;
    }
    let output = command.output().expect("the binary runs");
    assert!(count >= 4 && output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(shown.contains("listen = [\"udp:0.0.0.0:5060\", \"tcp:0.0.0.0:5060\"]"), "{shown}");
}

/// The lines of a page that call this program, without what stands around the call.
fn calls(page: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(page).expect("a page");
    let blocks = text.split("```").skip(1).step_by(2).filter(|block| block.starts_with('\n'));
    let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
    let call = |line: &&str| {
        let line = line.split(" #").next().unwrap_or(line).split(" (").next()?;
        let line = line.trim_end_matches(['&', ' ']);
        let start = line.rfind("fanal ").filter(|_| !line.contains("docker"))?;
        let before = line[..start].trim_end();
        let is_call =
            before.is_empty() || before.ends_with("-u fanal") || before.starts_with("FANAL_");
        let is_word = |word: &&str| *word != ">";
        let words = line[start..].split_whitespace().skip(1).take_while(is_word);
        is_call.then(|| words.map(str::to_owned).collect())
    };
    lines.iter().filter_map(call).collect()
}

#[test]
fn what_the_manual_tells_to_type_can_be_typed() {
    let home = Home::new("typed");
    let mut count = 0;
    for page in ["docs/operate.md", "README.md"] {
        for mut call in calls(&top().join(page)) {
            // Asked for help at the end, a command has read its arguments and does nothing.
            call.push("--help".to_owned());
            let words: Vec<&str> = call.iter().map(String::as_str).collect();
            assert_eq!(code(&home.run(&words)), 0, "{page}: {words:?}");
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}
