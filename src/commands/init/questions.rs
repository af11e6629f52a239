//! Asks the user, if there is a terminal to ask on.

use std::io::{BufRead, Write};

use anyhow::{Context, anyhow, bail};

/// Where questions are asked, and answered.
pub(super) struct Questions<'t> {
    terminal: Option<(&'t mut dyn BufRead, &'t mut dyn Write)>,
}

/// One of several things to choose from: its value, and what it means.
pub(super) type Choice<T> = (T, &'static str);

impl<'t> Questions<'t> {
    /// Asks on a terminal.
    pub(super) fn on(input: &'t mut dyn BufRead, output: &'t mut dyn Write) -> Self {
        Self { terminal: Some((input, output)) }
    }

    /// Asks no questions: each is answered with its default.
    pub(super) fn nobody() -> Self {
        Self { terminal: None }
    }

    /// Tells the user something before a question.
    pub(super) fn tell(&mut self, text: &str) -> anyhow::Result<()> {
        if let Some((_, output)) = &mut self.terminal {
            writeln!(output, "{text}").context("cannot ask")?;
        }
        Ok(())
    }

    /// What was given on the command line, or else the answer to a question; an empty answer is the default.
    ///
    /// # Errors
    /// When what `flag` gave is wrong, or the terminal is closed. A wrong answer is asked for again.
    pub(super) fn text<T>(
        &mut self,
        flag: &str,
        given: Option<&str>,
        question: &str,
        default: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        if let Some(given) = given {
            return check(given).map_err(|message| anyhow!("{flag}: {message}"));
        }
        let Some((input, output)) = &mut self.terminal else {
            return check(default).map_err(anyhow::Error::msg);
        };
        loop {
            write!(output, "{question} [{default}]: ").and_then(|()| output.flush()).context("cannot ask")?;
            let mut line = String::new();
            if input.read_line(&mut line).context("cannot read the answer")? == 0 {
                bail!("the questions are not all answered: nothing was written");
            }
            let answer = line.trim();
            match check(if answer.is_empty() { default } else { answer }) {
                Ok(value) => return Ok(value),
                Err(message) => writeln!(output, "  {message}").context("cannot ask")?,
            }
        }
    }

    /// What was given, or else one of several things, by its number; the first is the default.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(super) fn choose<T: Copy>(
        &mut self,
        given: Option<T>,
        question: &str,
        choices: &[Choice<T>],
    ) -> anyhow::Result<T> {
        if let Some(given) = given {
            return Ok(given);
        }
        self.tell(question)?;
        for (number, (_, meaning)) in (1..).zip(choices) {
            self.tell(&format!("  {number}  {meaning}"))?;
        }
        self.text("", None, "Number", "1", |answer| {
            let index = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let chosen = index.and_then(|index| choices.get(index)).map(|(value, _)| *value);
            chosen.ok_or_else(|| format!("it must be a number from 1 to {}", choices.len()))
        })
    }

    /// Whether something is so; no is the default.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(super) fn is_so(&mut self, given: bool, question: &str) -> anyhow::Result<bool> {
        self.text("", given.then_some("yes"), question, "no", |answer| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("it must be yes or no".to_owned()),
        })
    }
}
