//! What a figure consists of, before anyone draws it: marks in logical pixels, the origin at
//! the upper left. Figures are functions from data to a [`Scene`].

use super::colour::Colour;

/// A place in logical pixels.
pub(super) type Point = (f64, f64);

/// A line's look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub(super) colour: Colour,
    /// In logical pixels.
    pub(super) width: f64,
    /// Whether it is dashed, as predictions are.
    pub(super) dashed: bool,
}

impl Stroke {
    pub(super) const fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dashed: false }
    }

    pub(super) const fn dashed(colour: Colour, width: f64) -> Self {
        Self { colour, width, dashed: true }
    }
}

/// Which point of a text stands at its place; vertically it is always the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a mark at a place looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Disc,
    Ring,
    Cross,
}

/// One thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A line through points.
    Path { points: Vec<Point>, stroke: Stroke },
    /// A filled polygon; `opacity` 0 to 1.
    Area { points: Vec<Point>, fill: Colour, opacity: f64 },
    /// A filled disc.
    Disc { centre: Point, radius: f64, fill: Colour },
    /// A circle's outline on paper.
    Ring { centre: Point, radius: f64, stroke: Stroke },
    /// One line of text.
    Text { at: Point, text: String, size: f64, colour: Colour, anchor: Anchor },
}

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) marks: Vec<Mark>,
}

impl Scene {
    pub(super) const fn new(width: u32, height: u32) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    pub(super) fn path(&mut self, points: Vec<Point>, stroke: Stroke) {
        if points.len() > 1 {
            self.marks.push(Mark::Path { points, stroke });
        }
    }

    pub(super) fn line(&mut self, from: Point, to: Point, stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    pub(super) fn area(&mut self, points: Vec<Point>, fill: Colour, opacity: f64) {
        self.marks.push(Mark::Area { points, fill, opacity });
    }

    pub(super) fn rect(&mut self, (left, top): Point, (right, bottom): Point, fill: Colour) {
        self.area(vec![(left, top), (right, top), (right, bottom), (left, bottom)], fill, 1.0);
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f64, fill: Colour) {
        self.marks.push(Mark::Disc { centre, radius, fill });
    }

    pub(super) fn ring(&mut self, centre: Point, radius: f64, stroke: Stroke) {
        self.marks.push(Mark::Ring { centre, radius, stroke });
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, size: f64, colour: Colour, anchor: Anchor) {
        self.marks.push(Mark::Text { at, text: text.into(), size, colour, anchor });
    }

    /// An interval from `low` to `high` at `x`: a thin bar with feet. Without a `high` it ends
    /// in an open arrow at `value`, as it has no bound.
    pub(super) fn interval(&mut self, x: f64, value: f64, ends: (Option<f64>, Option<f64>), colour: Colour) {
        const FOOT: f64 = 4.0;
        const ARROW: f64 = 13.0;
        let stroke = Stroke::solid(colour, 1.25);
        for (end, away) in [(ends.0, ARROW), (ends.1, -ARROW)] {
            match end {
                Some(y) => {
                    self.line((x, value), (x, y), stroke);
                    self.line((x - FOOT, y), (x + FOOT, y), stroke);
                }
                None => {
                    let (tip, wing) = (value + away, value + away * 0.65);
                    self.line((x, value), (x, tip), stroke);
                    self.path(vec![(x - FOOT, wing), (x, tip), (x + FOOT, wing)], stroke);
                }
            }
        }
    }
}
