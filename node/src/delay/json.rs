//! Distributions as JSON objects, e.g. `{"kind": "uniform", "min_ms": 0, "max_ms": 9, "extra_ms": 3}`.

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::distribution::{Distribution, Family, Parameters, Part, Values};
use super::families::clip;
use super::parameter::{Millis, Number};

/// Added to each delay; absent if zero.
const EXTRA: Number = Number::delay("extra_ms");

/// One of the values of `quantiles_ms`.
const QUANTILE: Number = Number::delay("quantiles_ms");

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        write(self, &mut object)?;
        object.end()
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry(Self::WEIGHT.key, &self.weight())?;
        write(self.distribution(), &mut object)?;
        object.end()
    }
}

fn write<M: SerializeMap>(distribution: &Distribution, object: &mut M) -> Result<(), M::Error> {
    object.serialize_entry("kind", distribution.family().name)?;
    match (distribution.values(), &distribution.family().parameters) {
        (Values::Numbers(values), Parameters::Numbers { numbers, .. }) => {
            numbers.iter().zip(values).try_for_each(|(number, value)| object.serialize_entry(number.key, &value))?;
        }
        (Values::Quantiles(quantiles), _) => object.serialize_entry("quantiles_ms", quantiles)?,
        (Values::Parts(parts), _) => object.serialize_entry("parts", parts)?,
        _ => {}
    }
    if distribution.extra().is_zero() { Ok(()) } else { object.serialize_entry(EXTRA.key, &distribution.extra()) }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn read(object: &Map<String, Value>) -> Result<Distribution, String> {
    let name = object.get("kind").and_then(Value::as_str).ok_or("the kind of a distribution must be its name")?;
    let distribution = match &Family::named(name)?.parameters {
        Parameters::Numbers { numbers, new, .. } => {
            let values = numbers.iter().map(|parameter| number(parameter, object.get(parameter.key)));
            new(&values.collect::<Result<Vec<_>, _>>()?)?
        }
        Parameters::Quantiles(new) => {
            let millis = |value| Millis::try_from(number(&QUANTILE, Some(value))?);
            new(list(object, "quantiles_ms")?.iter().map(millis).collect::<Result<_, _>>()?)?
        }
        Parameters::Parts(new) => new(list(object, "parts")?.iter().map(part).collect::<Result<_, _>>()?)?,
    };
    let extra = object.get(EXTRA.key).map_or(Ok(0.0), |value| number(&EXTRA, Some(value)))?;
    Ok(distribution.plus(Millis::try_from(extra)?))
}

fn part(value: &Value) -> Result<Part, String> {
    let object = value.as_object().ok_or("a part of a mixture must be an object")?;
    Part::new(number(&Part::WEIGHT, object.get(Part::WEIGHT.key))?, read(object)?)
}

fn list<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], String> {
    object.get(key).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format!("{key} must be a list"))
}

fn number(parameter: &Number, value: Option<&Value>) -> Result<f64, String> {
    let refused = |shown: &str| format!("{} must be {}, not {}", parameter.key, parameter.accepted(), clip(shown));
    let value = value.ok_or_else(|| format!("{} is missing; it must be {}", parameter.key, parameter.accepted()))?;
    parameter.check(value.as_f64().ok_or_else(|| refused(&value.to_string()))?)
}
