//! The configuration file: keys and colours.
//!
//! ```toml
//! [keys]
//! quit = ["q", "x"]
//! [theme]
//! background = "light"
//! address = "#88aaff"
//! ```

use super::keys::{Keymap, TABLE};
use super::look::{INKS, Look};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// What the file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Keys by name of the action.
    keys: BTreeMap<String, Vec<String>>,
    /// Colours by name of the ink; `background` is light or dark.
    theme: BTreeMap<String, String>,
    /// Only ASCII characters.
    ascii: Option<bool>,
    /// Take clicks and the wheel.
    mouse: Option<bool>,
}

/// `$XDG_CONFIG_HOME/ckpt-inspect/config.toml`, or the same below `~/.config`.
pub fn path() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".config"));
    let base = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(home)?;
    Some(base.join("ckpt-inspect/config.toml"))
}

/// A file that says what holds without one; everything in it is a comment.
pub fn template() -> String {
    let mut text = String::from(
        "# ckpt-inspect: $XDG_CONFIG_HOME/ckpt-inspect/config.toml\n\n\
         # ascii = false    # only ASCII characters\n\
         # mouse = true     # take clicks and the wheel\n\n[keys]\n",
    );
    for binding in TABLE {
        let _ = writeln!(
            text,
            "# {} = {:?}    # {}",
            binding.name, binding.keys, binding.help
        );
    }
    text.push_str("\n[theme]\n# background = \"dark\"\n");
    for (name, _) in INKS {
        let _ = writeln!(text, "# {name} = \"#88aaff\"");
    }
    text
}

impl Config {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// In words, with file and line.
    pub fn load(path: Option<PathBuf>) -> Result<Config, String> {
        let Some(path) = path.filter(|path| path.exists()) else {
            return Ok(Config::default());
        };
        let fail = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|e| fail(&e))?;
        let config: Config = toml::from_str(&text).map_err(|e| fail(&e))?;
        config.keymap().map_err(|why| fail(&why))?;
        config
            .apply(&mut Look::default())
            .map_err(|why| fail(&why))?;
        Ok(config)
    }
    /// The keys.
    ///
    /// # Errors
    /// If an action or a key is not known, or a key is to do two things.
    pub fn keymap(&self) -> Result<Keymap, String> {
        Keymap::new(&self.keys)
    }
    /// Whether clicks and the wheel are taken.
    pub fn mouse(&self) -> bool {
        self.mouse.unwrap_or(true)
    }
    /// Changes a look as the file wants it.
    ///
    /// # Errors
    /// If an ink or a colour is not known.
    pub fn apply(&self, look: &mut Look) -> Result<(), String> {
        look.ascii |= self.ascii.unwrap_or(false);
        for (name, value) in &self.theme {
            if name == "background" {
                look.light = match value.as_str() {
                    "light" => true,
                    "dark" => false,
                    other => {
                        return Err(format!("theme: background: {other} is not light or dark"));
                    }
                };
                continue;
            }
            let ink = INKS
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, ink)| *ink);
            let ink = ink.ok_or_else(|| {
                format!("theme: nothing is called {name}; --print-config-template lists all")
            })?;
            let color = value
                .parse()
                .map_err(|_| format!("theme: {name}: {value} is no colour"))?;
            look.own.insert(ink, color);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::look::{Depth, Ink};
    use ratatui::style::Color;

    #[test]
    fn theme_and_keys() {
        let text = "ascii = true\n[keys]\nquit = [\"x\"]\n[theme]\naddress = \"#0000ff\"\nbackground = \"light\"\n";
        let config: Config = toml::from_str(text).unwrap();
        let mut look = Look {
            depth: Depth::True,
            ..Look::default()
        };
        config.apply(&mut look).unwrap();
        assert!(look.light && look.ascii && config.mouse());
        assert_eq!(look.style(Ink::Address).fg, Some(Color::Rgb(0, 0, 255)));
        assert!(config.keymap().is_ok());
        let wrong: Config = toml::from_str("[theme]\naddres = \"red\"\n").unwrap();
        assert!(wrong.apply(&mut look).unwrap_err().contains("addres"));
        assert!(toml::from_str::<Config>("[colours]\n").is_err());
        let wrong: Config = toml::from_str("[theme]\nbackground = \"grey\"\n").unwrap();
        assert!(wrong.apply(&mut look).unwrap_err().contains("grey"));
    }

    /// The template without its comment signs is what holds anyway.
    #[test]
    fn the_template_is_a_configuration() {
        let text = template();
        let active: Vec<&str> = text
            .lines()
            .skip(1)
            .map(|line| line.trim_start_matches("# "))
            .collect();
        let config: Config = toml::from_str(&active.join("\n")).unwrap();
        assert_eq!(config.keys.len(), TABLE.len());
        assert!(config.keymap().is_ok());
        assert!(config.apply(&mut Look::default()).is_ok());
    }
}
