//! Splits a query into tokens.

use super::Operator;
use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field path or a keyword.
    Word(String),
    /// A number or a timestamp: whatever starts with a digit or a sign.
    Literal(String),
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(&next) = rest.peek() {
        let token = match next {
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                Token::Word(take(&mut rest, |c| {
                    c.is_ascii_alphanumeric() || c == '_' || c == '.'
                }))
            }
            digit if digit.is_ascii_digit() || digit == '-' => {
                Token::Literal(take(&mut rest, |c| {
                    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '+')
                }))
            }
            _ => {
                rest.next();
                match next {
                    ' ' | '\t' | '\n' | '\r' => continue,
                    '"' => Token::Quoted(quoted(&mut rest)?),
                    '(' => Token::Open,
                    ')' => Token::Close,
                    ',' => Token::Comma,
                    other => Token::Operator(operator(other, &mut rest)?),
                }
            }
        };
        tokens.push(token);
    }
    Ok(tokens)
}

fn take(rest: &mut Peekable<Chars<'_>>, belongs: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some(next) = rest.next_if(|c| belongs(*c)) {
        text.push(next);
    }
    text
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        match next {
            '"' => return Ok(text),
            '\\' => match rest.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                _ => return Err("Invalid escape in a string of the query".to_owned()),
            },
            other => text.push(other),
        }
    }
    Err("Unterminated string in the query".to_owned())
}

fn operator(first: char, rest: &mut Peekable<Chars<'_>>) -> Result<Operator, String> {
    let mut followed_by = |c: char| rest.next_if_eq(&c).is_some();
    let found = match first {
        '=' => Operator::Equal,
        '~' => Operator::Contains,
        '!' if followed_by('=') => Operator::NotEqual,
        '!' if followed_by('~') => Operator::ContainsNot,
        '<' if followed_by('=') => Operator::LessOrEqual,
        '<' => Operator::Less,
        '>' if followed_by('=') => Operator::GreaterOrEqual,
        '>' => Operator::Greater,
        other => return Err(format!("Unexpected character '{other}' in the query")),
    };
    Ok(found)
}
