//! Draws scenes: the only module that knows plotters.

use std::sync::LazyLock;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ColorType, ImageEncoder as _};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, RGBAColor, RGBColor, ShapeStyle, TextStyle, register_font,
};

use super::colour::{Colour, themed};
use super::scene::{Anchor, Mark, Point, Scene, Stroke};

/// Device units a logical pixel. PNG files are drawn at this size and halved, which smooths
/// every edge and leaves twice the screen's size; SVG files have integer coordinates in these units.
const UNITS: f64 = 4.0;

/// How many device units become one pixel of a PNG file, each way.
const SUPERSAMPLING: usize = 2;

/// The embedded face, under the name that SVG files ask browsers for.
const FONT: &str = "Noto Sans, system-ui, -apple-system, Segoe UI, Roboto, sans-serif";

/// The bitmap backend takes a font's size as the height of its line, 1.362 em for Noto Sans.
const BITMAP_SIZE: f64 = 1.362;

/// The SVG backend divides a font's size by this.
const SVG_SIZE: f64 = 1.24;

/// What a backend makes of text.
#[derive(Clone, Copy)]
struct Type {
    /// The font size to ask for, in em.
    size: f64,
    /// How far below its place a text has to go to look centred there, in em.
    drop: f64,
}

const SVG_TYPE: Type = Type { size: SVG_SIZE, drop: 0.06 };
const BITMAP_TYPE: Type = Type { size: BITMAP_SIZE, drop: 0.2 };

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DrawError(String);

impl DrawError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Registers the font, once; whether that worked.
static FONT_READY: LazyLock<bool> =
    LazyLock::new(|| register_font(FONT, FontStyle::Normal, notosans::REGULAR_TTF).is_ok());

fn font(size: f64) -> FontDesc<'static> {
    LazyLock::force(&FONT_READY);
    FontDesc::new(FontFamily::Name(FONT), size, FontStyle::Normal)
}

/// The width in logical pixels of a text set in `size`. Browsers may use a wider face than
/// the embedded one.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    font(size * UNITS * BITMAP_SIZE).box_size(text).map_or(0.0, |(width, _)| f64::from(width) / UNITS)
}

impl Scene {
    /// The figure as an SVG element that takes its colours from the page around it, for which
    /// `label` says in words what it shows.
    pub(crate) fn svg(&self, label: &str) -> Result<String, DrawError> {
        let mut svg = String::new();
        let size = self.device_size();
        {
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            self.draw_on(&area, SVG_TYPE).map_err(DrawError::of)?;
        }
        let (_, body) = svg.split_once('>').ok_or_else(|| DrawError("no SVG element came out".to_owned()))?;
        let (width, height) = size;
        let label = escaped(label);
        Ok(themed(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"{label}\" stroke-linejoin=\"round\">{}",
            body.replace(" opacity=\"1\"", "").replace(" \"/>", "\"/>")
        )))
    }

    /// The figure as a PNG file at twice its logical size, on white.
    pub(crate) fn png(&self) -> Result<Vec<u8>, DrawError> {
        let size = self.device_size();
        let (width, height) = (size.0 as usize, size.1 as usize);
        let mut pixels = vec![255; width * height * 3];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
            self.draw_on(&area, BITMAP_TYPE).map_err(DrawError::of)?;
        }
        encode(&halved(&pixels, width), width / SUPERSAMPLING, height / SUPERSAMPLING)
    }

    fn device_size(&self) -> (u32, u32) {
        (self.width * UNITS as u32, self.height * UNITS as u32)
    }

    fn draw_on<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        face: Type,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        for mark in &self.marks {
            match mark {
                Mark::Path { points, stroke } if stroke.dashed => {
                    let (dash, gap) = (device(stroke.width * 3.5), device(stroke.width * 2.5));
                    let points: Vec<_> = points.iter().map(place).collect();
                    area.draw(&DashedPathElement::new(points, dash, gap, line(stroke)))?;
                }
                Mark::Path { points, stroke } => {
                    area.draw(&PathElement::new(points.iter().map(place).collect::<Vec<_>>(), line(stroke)))?;
                }
                Mark::Area { points, fill, opacity } => {
                    let points: Vec<_> = points.iter().map(place).collect();
                    area.draw(&Polygon::new(points, rgba(*fill).mix(*opacity)))?;
                }
                Mark::Disc { centre, radius, fill } => {
                    area.draw(&Circle::new(place(centre), device(*radius), rgba(*fill).filled()))?;
                }
                Mark::Ring { centre, radius, stroke } => {
                    area.draw(&Circle::new(place(centre), device(*radius), rgba(stroke.colour).filled()))?;
                    let inside = device(radius - stroke.width);
                    area.draw(&Circle::new(place(centre), inside, rgba(Colour::Paper).filled()))?;
                }
                Mark::Text { at, text, size, colour, anchor } => {
                    let colour = rgba(*colour);
                    let style = TextStyle::from(font(size * UNITS * face.size)).color(&colour).pos(pos(*anchor));
                    area.draw(&Text::new(text.as_str(), place(&(at.0, at.1 + size * face.drop)), style))?;
                }
            }
        }
        area.present()
    }
}

/// A text inside a quoted attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn place((x, y): &Point) -> (i32, i32) {
    (device(*x), device(*y))
}

/// A length in device units.
fn device(length: f64) -> i32 {
    (length * UNITS).round() as i32
}

fn rgba(colour: Colour) -> RGBAColor {
    let (red, green, blue) = colour.light();
    RGBColor(red, green, blue).to_rgba()
}

fn line(stroke: &Stroke) -> ShapeStyle {
    rgba(stroke.colour).stroke_width(device(stroke.width).unsigned_abs())
}

fn pos(anchor: Anchor) -> Pos {
    let horizontal = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    Pos::new(horizontal, VPos::Center)
}

/// Averages each square of two by two pixels (three bytes each) into one. The width is even.
fn halved(pixels: &[u8], width: usize) -> Vec<u8> {
    let mean = |a: u8, b: u8, c: u8, d: u8| ((u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d) + 2) / 4) as u8;
    let mut out = Vec::with_capacity(pixels.len() / 4);
    for two_rows in pixels.chunks_exact(2 * width * 3) {
        let (upper, lower) = two_rows.split_at(width * 3);
        // One step a pixel: tests run this unoptimized.
        for ([r, g, b, r2, g2, b2], [r3, g3, b3, r4, g4, b4]) in
            upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0)
        {
            out.extend_from_slice(&[mean(*r, *r2, *r3, *r4), mean(*g, *g2, *g3, *g4), mean(*b, *b2, *b3, *b4)]);
        }
    }
    out
}

/// Flat colours compress best unfiltered.
fn encode(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>, DrawError> {
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::NoFilter)
        .write_image(pixels, width as u32, height as u32, ColorType::Rgb8)
        .map_err(DrawError::of)?;
    Ok(png)
}
