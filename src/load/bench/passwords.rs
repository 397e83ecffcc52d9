//! The passwords of the phones, and what each was asked last.

use bytes::Bytes;

use crate::auth::Answerer;
use crate::sip::{Message, parse};

/// Stands in a user's name for the name of each phone.
const EACH: char = '*';

/// The phones' way to prove who they are.
pub struct Passwords {
    user: String,
    password: String,
    answerers: Vec<Option<Box<Answerer>>>,
    cnonce: u64,
}

impl Passwords {
    /// From `user:password`; an asterisk in `user` is the user part of each phone's address.
    pub fn new(text: &str, phones: u32) -> Option<Passwords> {
        let (user, password) = text.split_once(':')?;
        let answerers = (0..phones).map(|_| None).collect();
        let (user, password) = (user.to_owned(), password.to_owned());
        Some(Passwords { user, password, answerers, cnonce: 0 })
    }

    /// Whether a phone was challenged before.
    pub fn was_asked(&self, phone: u32) -> bool {
        self.answerers.get(phone as usize).is_some_and(Option::is_some)
    }

    /// A phone was challenged by this response: the header line its request is sent again with.
    pub fn answer(
        &mut self,
        phone: u32,
        response: &[u8],
        method: &str,
        uri: &str,
    ) -> Option<Box<[u8]>> {
        let Passwords { user, password, .. } = self;
        let answerer = self.answerers.get_mut(phone as usize)?;
        let answerer = answerer.get_or_insert_with(|| {
            let user = user.replace(EACH, &format!("p{phone:06}"));
            Box::new(Answerer::new(&user, password))
        });
        let Ok(Message::Response(response)) = parse::message(Bytes::copy_from_slice(response))
        else {
            return None;
        };
        self.cnonce += 1;
        line(answerer.answer(&response, method, uri, b"", self.cnonce))
    }

    /// The header line of a further request of a phone that was challenged before.
    pub fn again(&mut self, phone: u32, method: &str, uri: &str) -> Option<Box<[u8]>> {
        let answerer = self.answerers.get_mut(phone as usize)?.as_mut()?;
        self.cnonce += 1;
        line(answerer.again(method, uri, b"", self.cnonce))
    }
}

fn line(header: Option<(&str, String)>) -> Option<Box<[u8]>> {
    let (name, value) = header?;
    Some(format!("{name}: {value}\r\n").into_bytes().into())
}
