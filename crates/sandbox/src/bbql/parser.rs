//! Builds a query from tokens, checking fields and types on the way.

use super::lexer::Token;
use super::{Field, Kind, Operand, Operator, Query, Test};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Parentheses deeper than this are refused.
const MAX_DEPTH: usize = 32;

const SYNTAX: &str = "Invalid query: syntax error";

pub(super) fn parse(tokens: &[Token], fields: &'static [Field]) -> Result<Query, String> {
    let mut parser = Parser {
        tokens,
        fields,
        depth: 0,
    };
    let query = parser.any()?;
    if parser.tokens.is_empty() {
        Ok(query)
    } else {
        Err(SYNTAX.to_owned())
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    fields: &'static [Field],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Takes a keyword if it comes next; `AND` and `and` are both documented.
    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        if self.next() == Some(token) {
            Ok(())
        } else {
            Err(SYNTAX.to_owned())
        }
    }

    fn any(&mut self) -> Result<Query, String> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Query::Any))
    }

    fn all(&mut self) -> Result<Query, String> {
        let first = self.part()?;
        let mut parts = vec![first];
        while self.keyword("and") {
            parts.push(self.part()?);
        }
        Ok(joined(parts, Query::All))
    }

    fn part(&mut self) -> Result<Query, String> {
        if self.tokens.first() != Some(&Token::Open) {
            return self.test().map(Query::Test);
        }
        self.next();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("Invalid query: nested too deeply".to_owned());
        }
        let inner = self.any()?;
        self.expect(&Token::Close)?;
        self.depth -= 1;
        Ok(inner)
    }

    fn test(&mut self) -> Result<Test, String> {
        let Some(Token::Word(name)) = self.next() else {
            return Err(SYNTAX.to_owned());
        };
        let field = self
            .fields
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(|| format!("{name} does not support filtering"))?;
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.list(field)?,
            _ => vec![self.value(field)?],
        };
        let test = Test {
            field: field.name,
            operator,
            values,
        };
        check(field, &test)?;
        Ok(test)
    }

    fn operator(&mut self) -> Result<Operator, String> {
        if self.keyword("in") {
            return Ok(Operator::In);
        }
        if self.keyword("not") {
            return if self.keyword("in") {
                Ok(Operator::NotIn)
            } else {
                Err(SYNTAX.to_owned())
            };
        }
        match self.next() {
            Some(Token::Operator(operator)) => Ok(*operator),
            _ => Err(SYNTAX.to_owned()),
        }
    }

    fn list(&mut self, field: &Field) -> Result<Vec<Operand>, String> {
        self.expect(&Token::Open)?;
        let mut values = vec![self.value(field)?];
        while self.tokens.first() == Some(&Token::Comma) {
            self.next();
            values.push(self.value(field)?);
        }
        self.expect(&Token::Close)?;
        Ok(values)
    }

    fn value(&mut self, field: &Field) -> Result<Operand, String> {
        let token = self.next().ok_or(SYNTAX)?;
        let value = match (field.kind, token) {
            (_, Token::Word(word)) if word.eq_ignore_ascii_case("null") => Some(Operand::Null),
            (Kind::Bool, Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Some(Operand::Bool(true)),
                "false" => Some(Operand::Bool(false)),
                _ => None,
            },
            (Kind::Text, Token::Quoted(text)) => Some(Operand::Text(text.clone())),
            (Kind::Permission, Token::Quoted(text)) => {
                Some(Operand::permission(text)).filter(|rank| *rank != Operand::Null)
            }
            (Kind::Number, Token::Literal(text)) => text.parse().ok().map(Operand::Number),
            (Kind::Time, Token::Literal(text)) => time(text).map(Operand::Time),
            _ => None,
        };
        value.ok_or_else(|| format!("Invalid query: bad value for {}", field.name))
    }
}

fn joined(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

/// Whether the operator makes sense for the type.
fn check(field: &Field, test: &Test) -> Result<(), String> {
    let is_null = test.values.contains(&Operand::Null);
    let fits = match test.operator {
        Operator::Equal | Operator::NotEqual => true,
        Operator::Contains | Operator::ContainsNot => field.kind == Kind::Text && !is_null,
        _ => field.kind != Kind::Bool && !is_null,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("Invalid query: bad operator for {}", field.name))
    }
}

/// Nanoseconds of an ISO-8601 date or time; no offset means UTC.
fn time(text: &str) -> Option<i128> {
    let starts_with_year = text.as_bytes().iter().take(4).all(u8::is_ascii_digit);
    if !starts_with_year || text.contains('[') {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_nanosecond());
    }
    let has_offset = text
        .get(10..)
        .is_some_and(|time| time.contains(['Z', 'z', '+', '-']));
    if has_offset {
        return None;
    }
    let local: DateTime = text.parse().ok()?;
    let at = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(at.as_nanosecond())
}
