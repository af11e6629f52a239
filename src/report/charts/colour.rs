//! The colours of every figure and of the page around them.

use std::fmt::Write as _;

/// A colour by its role. Each has a light and a dark value: PNG files are light, SVG
/// figures follow the page through a CSS variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Colour {
    /// Text and the strongest lines.
    Ink,
    /// Text of second rank, axes and ticks.
    Muted,
    /// Grid lines.
    Grid,
    /// What everything is drawn on.
    Paper,
    /// A filled surface that carries no value, such as a quiet cell.
    Surface,
    /// Marks of a series.
    Hue(Hue),
    /// Text in the colour of a series, dark (or light) enough to read.
    Text(Hue),
}

/// The palette of Okabe and Ito, "Color Universal Design" (2008), which stays
/// distinguishable with any common colour blindness; without its yellow, too pale for lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hue {
    Blue,
    Sky,
    Green,
    Orange,
    Vermillion,
    Purple,
}

impl Hue {
    const ALL: [Self; 6] = [Self::Blue, Self::Sky, Self::Green, Self::Orange, Self::Vermillion, Self::Purple];

    /// The hue of a quorum, the same in every figure: cool for few acknowledgements, warm for
    /// many. Past six they repeat; direct labels tell them apart.
    pub(crate) fn of_quorum(quorum: u32) -> Self {
        match quorum % 6 {
            1 => Self::Blue,
            2 => Self::Sky,
            3 => Self::Green,
            4 => Self::Orange,
            5 => Self::Vermillion,
            _ => Self::Purple,
        }
    }

    /// Its name in style sheets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Sky => "sky",
            Self::Green => "green",
            Self::Orange => "orange",
            Self::Vermillion => "vermillion",
            Self::Purple => "purple",
        }
    }

    /// As marks on light paper, as text on light paper, as marks and as text on dark paper.
    const fn values(self) -> [u32; 4] {
        match self {
            Self::Blue => [0x0072B2, 0x005F95, 0x3D94D6, 0x6FB3E6],
            Self::Sky => [0x56B4E9, 0x1C74A8, 0x8FD0F5, 0x9FD8F8],
            Self::Green => [0x009E73, 0x007555, 0x2CC295, 0x3FCFA4],
            Self::Orange => [0xE69F00, 0x8C6000, 0xE8A612, 0xF0B432],
            Self::Vermillion => [0xD55E00, 0xA94A00, 0xF07F32, 0xF79450],
            Self::Purple => [0xCC79A7, 0x9C4475, 0xE09BC4, 0xE8AED0],
        }
    }
}

impl Colour {
    /// Every colour there is.
    fn all() -> impl Iterator<Item = Self> {
        [Self::Ink, Self::Muted, Self::Grid, Self::Paper, Self::Surface]
            .into_iter()
            .chain(Hue::ALL.map(Self::Hue))
            .chain(Hue::ALL.map(Self::Text))
    }

    /// Red, green and blue on light paper. No two colours share them, so that a colour in an
    /// SVG file can be told from its value.
    pub(super) const fn light(self) -> (u8, u8, u8) {
        rgb(match self {
            Self::Ink => 0x1A1A1A,
            Self::Muted => 0x5A5A5A,
            Self::Grid => 0xE2E2E2,
            Self::Paper => 0xFFFFFF,
            Self::Surface => 0xF1F1EF,
            Self::Hue(hue) => hue.values()[0],
            Self::Text(hue) => hue.values()[1],
        })
    }

    const fn dark(self) -> (u8, u8, u8) {
        rgb(match self {
            Self::Ink => 0xE8E8E6,
            Self::Muted => 0xA8A8A6,
            Self::Grid => 0x35373A,
            Self::Paper => 0x15171A,
            Self::Surface => 0x222529,
            Self::Hue(hue) => hue.values()[2],
            Self::Text(hue) => hue.values()[3],
        })
    }

    /// The CSS variable that holds it.
    fn variable(self) -> String {
        match self {
            Self::Ink => "--ink".to_owned(),
            Self::Muted => "--muted".to_owned(),
            Self::Grid => "--grid".to_owned(),
            Self::Paper => "--paper".to_owned(),
            Self::Surface => "--surface".to_owned(),
            Self::Hue(hue) => format!("--{}", hue.name()),
            Self::Text(hue) => format!("--{}-text", hue.name()),
        }
    }
}

const fn rgb(value: u32) -> (u8, u8, u8) {
    let [_, red, green, blue] = value.to_be_bytes();
    (red, green, blue)
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Puts CSS variables in the place of the light colours of an SVG file, which stay as fallbacks.
pub(super) fn themed(svg: &str) -> String {
    Colour::all().fold(svg.to_owned(), |svg, colour| {
        let plain = hex(colour.light());
        svg.replace(&format!("\"{plain}\""), &format!("\"var({},{plain})\"", colour.variable()))
    })
}

/// Declarations of every colour's variable, for light paper and for dark.
pub(crate) fn variables() -> (String, String) {
    Colour::all().fold((String::new(), String::new()), |(mut light, mut dark), colour| {
        // Writing to a string cannot fail.
        let _ = write!(light, "{}:{};", colour.variable(), hex(colour.light()));
        let _ = write!(dark, "{}:{};", colour.variable(), hex(colour.dark()));
        (light, dark)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Relative luminance by WCAG 2.2.
    fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_has_the_contrast_that_wcag_asks_for() {
        let texts = [Colour::Ink, Colour::Muted].into_iter().chain(Hue::ALL.map(Colour::Text));
        for text in texts {
            for (paper, tone) in [(Colour::Paper, "paper"), (Colour::Surface, "surface")] {
                assert!(contrast(text.light(), paper.light()) >= 4.5, "{text:?} on light {tone}");
                assert!(contrast(text.dark(), paper.dark()) >= 4.5, "{text:?} on dark {tone}");
            }
        }
    }

    #[test]
    fn every_colour_has_a_value_of_its_own() {
        let values: BTreeSet<_> = Colour::all().map(Colour::light).collect();
        assert_eq!(values.len(), Colour::all().count());
    }

    #[test]
    fn the_lab_s_quorums_have_different_hues() {
        let hues: BTreeSet<_> = (0..6).map(Hue::of_quorum).collect();
        assert_eq!(hues.len(), 6);
    }

    #[test]
    fn a_known_colour_becomes_a_variable_and_others_stay() {
        let svg = r##"<line stroke="#0072B2"/><line stroke="#123456"/>"##;
        assert_eq!(themed(svg), r##"<line stroke="var(--blue,#0072B2)"/><line stroke="#123456"/>"##);
    }
}
