//! Messages by field name, with the checks that the protobuf library leaves to its user.

use prost::{Message as _, bytes::Bytes};
use prost_reflect::{Cardinality, DynamicMessage, Kind as FieldKind, ReflectMessage as _, Value};

use super::schema;
use crate::Result;

/// A message whose unknown fields are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Msg {
    inner: DynamicMessage,
    kept: bool,
}

impl Msg {
    /// An empty message of a named type.
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self::from(DynamicMessage::new(schema::message(name)?)))
    }

    /// The same message, to which only what differs is set: a field that is not there stays away if it would hold what
    /// its absence says.
    pub fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Whether the message was there before.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Decodes a message; says in words what is wrong with the bytes.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<std::result::Result<Self, String>> {
        let descriptor = schema::message(name)?;
        // Byte strings of the message share this copy.
        let bytes = Bytes::copy_from_slice(bytes);
        Ok(match DynamicMessage::decode(descriptor, bytes) {
            Ok(message) => match missing(&message) {
                None => Ok(Self::from(message)),
                Some(field) => Err(format!("{name} without the field {field}")),
            },
            Err(e) => Err(e.to_string()),
        })
    }

    /// The message as bytes, unknown fields included.
    pub fn encode(&self) -> Vec<u8> {
        self.inner.encode_to_vec()
    }

    /// The library's view of the message.
    pub fn dynamic(&self) -> &DynamicMessage {
        &self.inner
    }

    /// Name of its type.
    pub fn name(&self) -> String {
        self.inner.descriptor().name().to_owned()
    }

    /// A field as text, for messages to people.
    pub fn show(&self, field: &str) -> String {
        self.inner
            .get_field_by_name(field)
            .map_or_else(String::new, |v| v.to_string())
    }

    /// Whether the field is there.
    pub fn has(&self, field: &str) -> bool {
        self.inner.has_field_by_name(field)
    }

    /// An integer of any kind, as it stands in 64 bits; `None` if it is not there.
    pub fn get(&self, field: &str) -> Option<u64> {
        if !self.has(field) {
            return None;
        }
        integer(&*self.inner.get_field_by_name(field)?)
    }

    /// An integer, 0 if it is not there.
    pub fn u64(&self, field: &str) -> u64 {
        self.get(field).unwrap_or(0)
    }

    /// The low 32 bits of an integer, 0 if it is not there.
    pub fn u32(&self, field: &str) -> u32 {
        u32::try_from(self.u64(field) & 0xffff_ffff).unwrap_or(0)
    }

    /// A flag, false if it is not there.
    pub fn flag(&self, field: &str) -> bool {
        self.u64(field) != 0
    }

    /// A text or other byte string; empty if it is not there. Texts are what the dumped kernel had, in any encoding or
    /// none: the schema has no strings.
    pub fn bytes(&self, field: &str) -> Vec<u8> {
        self.inner
            .get_field_by_name(field)
            .and_then(|v| v.as_bytes().map(|b| b.to_vec()))
            .unwrap_or_default()
    }

    /// Takes the byte strings of a repeated field out.
    pub fn take_parts(&mut self, field: &str) -> impl Iterator<Item = Bytes> + use<> {
        let list = match self.inner.take_field_by_name(field) {
            Some(Value::List(list)) => list,
            _ => Vec::new(),
        };
        list.into_iter().filter_map(|value| match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// A message inside this one.
    pub fn sub(&self, field: &str) -> Option<Self> {
        self.has(field).then(|| {
            self.inner
                .get_field_by_name(field)?
                .as_message()
                .cloned()
                .map(|inner| Self {
                    inner,
                    kept: self.kept,
                })
        })?
    }

    /// A message inside this one; a new one if it is not there.
    pub fn sub_or_new(&self, field: &str, name: &str) -> Result<Self> {
        self.sub(field).map_or_else(|| Self::new(name), Ok)
    }

    /// The messages of a repeated field.
    pub fn subs(&self, field: &str) -> Vec<Self> {
        let value = self.inner.get_field_by_name(field);
        let list = value
            .as_deref()
            .and_then(Value::as_list)
            .unwrap_or_default();
        list.iter()
            .filter_map(Value::as_message)
            .map(|inner| Self {
                inner: inner.clone(),
                kept: self.kept,
            })
            .collect()
    }

    /// The integers of a repeated field.
    pub fn numbers(&self, field: &str) -> Vec<u64> {
        let value = self.inner.get_field_by_name(field);
        value
            .as_deref()
            .and_then(Value::as_list)
            .unwrap_or_default()
            .iter()
            .filter_map(integer)
            .collect()
    }

    /// Sets an integer, flag or enumeration; wider values are cut to the field.
    pub fn set(&mut self, field: &str, value: u64) -> &mut Self {
        self.put(field, |kind| number(kind, value))
    }

    /// Takes a field out.
    pub fn clear(&mut self, field: &str) -> &mut Self {
        self.inner.clear_field_by_name(field);
        self
    }

    /// Sets a text or other byte string.
    pub fn set_bytes(&mut self, field: &str, bytes: &[u8]) -> &mut Self {
        self.put(field, |_| Some(Value::Bytes(Bytes::copy_from_slice(bytes))))
    }

    /// Sets a message inside this one.
    pub fn set_sub(&mut self, field: &str, message: Self) -> &mut Self {
        self.put(field, |_| Some(Value::Message(message.inner)))
    }

    /// Sets all messages of a repeated field.
    pub fn set_subs(&mut self, field: &str, messages: Vec<Self>) -> &mut Self {
        self.put(field, |_| {
            Some(Value::List(
                messages
                    .into_iter()
                    .map(|m| Value::Message(m.inner))
                    .collect(),
            ))
        })
    }

    /// Sets all byte strings of a repeated field.
    pub fn set_parts(&mut self, field: &str, parts: impl IntoIterator<Item = Bytes>) -> &mut Self {
        self.put(field, |_| {
            Some(Value::List(parts.into_iter().map(Value::Bytes).collect()))
        })
    }

    /// Sets all integers of a repeated field.
    pub fn set_numbers(&mut self, field: &str, values: impl IntoIterator<Item = u64>) -> &mut Self {
        self.put(field, |kind| {
            values
                .into_iter()
                .map(|v| number(kind, v))
                .collect::<Option<_>>()
                .map(Value::List)
        })
    }

    /// Field names are ours, never the input's, so a wrong one is found by the first test that writes it.
    fn put(&mut self, field: &str, value: impl FnOnce(&FieldKind) -> Option<Value>) -> &mut Self {
        let descriptor = self.inner.descriptor().get_field_by_name(field);
        let value = descriptor.as_ref().and_then(|d| value(&d.kind()));
        if self.kept && value.as_ref() == self.inner.get_field_by_name(field).as_deref() {
            return self;
        }
        let done = match (descriptor, value) {
            (Some(d), Some(v)) => self.inner.try_set_field(&d, v).is_ok(),
            _ => false,
        };
        debug_assert!(done, "field {field} of {}", self.inner.descriptor().name());
        self
    }
}

impl From<DynamicMessage> for Msg {
    fn from(inner: DynamicMessage) -> Self {
        Self { inner, kept: false }
    }
}

fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(v) => Some((*v).into()),
        Value::U32(v) => Some((*v).into()),
        Value::U64(v) => Some(*v),
        Value::I32(v) | Value::EnumNumber(v) => Some(i64::from(*v).cast_unsigned()),
        Value::I64(v) => Some(v.cast_unsigned()),
        _ => None,
    }
}

fn number(kind: &FieldKind, value: u64) -> Option<Value> {
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
    Some(match kind {
        FieldKind::Bool => Value::Bool(value != 0),
        FieldKind::Uint32 | FieldKind::Fixed32 => Value::U32(low),
        FieldKind::Uint64 | FieldKind::Fixed64 => Value::U64(value),
        FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => Value::I32(low.cast_signed()),
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
            Value::I64(value.cast_signed())
        }
        FieldKind::Enum(_) => Value::EnumNumber(low.cast_signed()),
        _ => return None,
    })
}

/// The first required field that is missing, at any depth. The decoder bounds the depth.
fn missing(message: &DynamicMessage) -> Option<String> {
    let descriptor = message.descriptor();
    if let Some(f) = descriptor
        .fields()
        .find(|f| f.cardinality() == Cardinality::Required && !message.has_field(f))
    {
        return Some(f.name().to_owned());
    }
    message.fields().find_map(|(field, value)| {
        let inner = match value {
            Value::Message(m) => missing(m),
            Value::List(list) => list.iter().filter_map(Value::as_message).find_map(missing),
            _ => None,
        };
        inner.map(|name| format!("{}.{name}", field.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_unknown_fields_stay() {
        let mut m = Msg::new("vma_entry").unwrap();
        for f in ["start", "end", "pgoff", "shmid", "prot", "flags", "status"] {
            m.set(f, 0x1000);
        }
        m.set("fd", u64::MAX);
        let mut bytes = m.encode();
        bytes.extend([0xf8, 0x07, 0x2a]); // field 127, varint 42
        let back = Msg::decode("vma_entry", &bytes).unwrap().unwrap();
        assert_eq!(
            (back.u64("start"), back.get("fd"), back.get("madv")),
            (0x1000, Some(u64::MAX), None)
        );
        assert_eq!(back.encode(), bytes);
    }

    #[test]
    fn a_missing_field_is_named() {
        let mut m = Msg::new("core_entry").unwrap();
        m.set("mtype", 2)
            .set_sub("ids", Msg::new("task_kobj_ids_entry").unwrap());
        let text = Msg::decode("core_entry", &m.encode()).unwrap().unwrap_err();
        assert!(text.contains("ids.vm_id"), "{text}");
    }
}
