//! Fields of messages as they stand on the wire, for what there can be very many of.

/// The fields of a message; an error where one does not end.
pub(super) fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<Field<'_>, ()>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = Field::take(&mut rest).ok_or(());
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

/// A field of a message as it stands on the wire.
pub(super) struct Field<'a> {
    pub(super) number: u64,
    pub(super) value: u64,
    pub(super) bytes: Option<&'a [u8]>,
}

impl<'a> Field<'a> {
    pub(super) fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let key = varint(rest)?;
        let number = key >> 3;
        let mut fixed = |size: usize| {
            let (bytes, tail) = rest.split_at_checked(size)?;
            *rest = tail;
            Some(bytes)
        };
        let (value, bytes) = match key & 7 {
            0 => (varint(rest)?, None),
            1 => (0, Some(fixed(8)?)),
            2 => {
                let len = usize::try_from(varint(rest)?).ok()?;
                let (bytes, tail) = rest.split_at_checked(len)?;
                *rest = tail;
                (0, Some(bytes))
            }
            5 => (0, Some(fixed(4)?)),
            _ => return None,
        };
        Some(Self {
            number,
            value,
            bytes,
        })
    }
}

pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(super) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// The plain numbers among the fields 1 to `N` - 1 of a message, by field number; the last counts where one stands
/// twice. An error where a field does not end.
pub(super) fn numbers<const N: usize>(message: &[u8]) -> Result<[Option<u64>; N], ()> {
    let mut numbers = [None; N];
    for field in fields(message) {
        let field = field?;
        let slot = usize::try_from(field.number)
            .ok()
            .and_then(|n| numbers.get_mut(n));
        if let (Some(slot), None) = (slot, field.bytes) {
            *slot = Some(field.value);
        }
    }
    Ok(numbers)
}
