//! `points.csv`: one line for each point, written as soon as its runs are done.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{PointConditions, PointFigures, PointRow};
use crate::data::DataError;

/// The file's name in its folder.
const NAME: &str = "points.csv";

/// The results in a folder. Lines are only ever appended.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    file: File,
    rows: Vec<PointRow>,
}

impl ResultsFile {
    /// Opens the results in `folder`, or creates the file. A last line without its end, as a power
    /// failure leaves it, is dropped. A file from before links could be ordered gets the column that it
    /// lacks.
    ///
    /// # Errors
    /// If the file cannot be read or written, or does not hold results of `explore`.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(NAME);
        let io = |action| {
            let path = path.clone();
            move |source| DataError::Io { path, action, source }
        };
        fs::create_dir_all(folder).map_err(io("make its folder"))?;
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(io("read")(error)),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (rows, is_current) = parse(&path, &text[..whole])?;
        if !is_current {
            return Self::replace(path.clone(), rows).map_err(io("write"));
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(io("write"))?;
        if whole < text.len() {
            file.set_len(whole as u64).map_err(io("write"))?;
        }
        if whole == 0 {
            let header = PointRow::COLUMNS.join(",") + "\n";
            file.write_all(header.as_bytes()).map_err(io("write"))?;
        }
        Ok(Self { path, file, rows })
    }

    /// Writes a file of these rows in the place of the one that there is, whole or not at all.
    fn replace(path: PathBuf, rows: Vec<PointRow>) -> io::Result<Self> {
        let mut text = (PointRow::COLUMNS.join(",") + "\n").into_bytes();
        for row in &rows {
            text.extend(line(row)?);
        }
        let beside = path.with_extension("csv.new");
        fs::write(&beside, &text)?;
        File::open(&beside)?.sync_all()?;
        fs::rename(&beside, &path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { path, file, rows })
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The row of the point with exactly these conditions.
    #[must_use]
    pub fn find(&self, conditions: &PointConditions) -> Option<&PointRow> {
        self.rows.iter().find(|row| row.conditions == *conditions)
    }

    /// Appends a row in a single write.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, row: PointRow) -> Result<(), DataError> {
        let written = line(&row).and_then(|line| self.file.write_all(&line));
        written.map_err(|source| DataError::Io { path: self.path.clone(), action: "write", source })?;
        self.rows.push(row);
        Ok(())
    }
}

/// A row as a line of the file.
fn line(row: &PointRow) -> io::Result<Vec<u8>> {
    let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    csv.serialize(row).map_err(io::Error::other)?;
    csv.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// The rows, and whether they have all columns.
fn parse(path: &Path, text: &str) -> Result<(Vec<PointRow>, bool), DataError> {
    let invalid = |line: u64, message: String| DataError::Invalid { path: path.to_owned(), line, message };
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let headers = csv.headers().map_err(|error| invalid(1, error.to_string()))?.clone();
    let is_current = text.is_empty() || headers == PointRow::COLUMNS.to_vec();
    let before_links: Vec<&str> = PointRow::COLUMNS.into_iter().filter(|column| *column != "link").collect();
    if !is_current && headers != before_links {
        let message = "these are not results of this labctl's `explore`; choose another folder with --out";
        return Err(invalid(1, message.to_owned()));
    }
    let row = |record: &csv::StringRecord| {
        let conditions: PointConditions = record.deserialize(Some(&headers))?;
        let figures: PointFigures = record.deserialize(Some(&headers))?;
        Ok(PointRow { conditions, figures })
    };
    let read = csv.records().map(|record| {
        let record = record?;
        row(&record)
    });
    // The header is the first line, and no field has a line break.
    let located = (2..).zip(read).map(|(line, row)| row.map_err(|error: csv::Error| invalid(line, error.to_string())));
    Ok((located.collect::<Result<_, _>>()?, is_current))
}
