//! Notifications: topics, the events that are routed to each, and the destinations
//! that listen to it.

use askama::Template;
use axum::Router;
use axum::routing::{get, post};
use engine::{ActionError, Engine, actions};
use store::{Destination, DestinationRoute, EventRoute, NotificationEvent, Topic};

use super::answer::{Answer, done, not_done, show_as};
use super::form::Form;
use super::frame::{Frame, Place};
use super::here::Here;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Engine> {
    Router::new()
        .route("/", get(list).post(create))
        .route("/topics/{topic}/rename", post(rename))
        .route("/topics/{topic}/delete", post(delete))
        .route("/topics/{topic}/events", post(route_events))
        .route("/topics/{topic}/destinations", post(route_destination))
        .route("/events/{route}/delete", post(unroute_event))
        .route("/destinations/{route}/delete", post(unroute_destination))
}

#[derive(Template)]
#[template(path = "notifications.html")]
struct Page {
    frame: Frame,
    topics: Vec<Routed>,
    destinations: Vec<Destination>,
    /// What the form says, where it was refused.
    name: String,
    problem: Option<Problem>,
}

/// A topic with what leads to it and from it.
struct Routed {
    topic: Topic,
    events: Vec<EventRoute>,
    listeners: Vec<DestinationRoute>,
}

impl Routed {
    /// Events that are not routed to it yet.
    fn more_events(&self) -> Vec<NotificationEvent> {
        let is_routed = |event| self.events.iter().any(|route| route.event == event);
        let every = NotificationEvent::every();
        every.filter(|event| !is_routed(*event)).collect()
    }

    /// Whether somebody is told anything by it.
    fn is_whole(&self) -> bool {
        !self.events.is_empty() && !self.listeners.is_empty()
    }
}

impl Page {
    fn destination(&self, route: &DestinationRoute) -> &str {
        let found = self
            .destinations
            .iter()
            .find(|one| one.id == route.destination_id);
        found.map_or("", |one| &one.name)
    }

    /// Destinations that do not listen yet.
    fn more_destinations<'a>(&'a self, routed: &Routed) -> Vec<&'a Destination> {
        let listens = |id: &str| {
            routed
                .listeners
                .iter()
                .any(|route| route.destination_id == id)
        };
        let all = self.destinations.iter();
        all.filter(|destination| !listens(&destination.id))
            .collect()
    }
}

async fn page(here: &Here, name: &str, problem: Option<Problem>) -> Answer {
    let tenant = here.tenant();
    let events = tenant.event_routes(None, None).await?;
    let listeners = tenant.destination_routes(None, None).await?;
    let topics = tenant.topics().await?.into_iter().map(|topic| Routed {
        events: events
            .iter()
            .filter(|route| route.topic_id == topic.id)
            .cloned()
            .collect(),
        listeners: listeners
            .iter()
            .filter(|route| route.topic_id == topic.id)
            .cloned()
            .collect(),
        topic,
    });
    let page = Page {
        frame: here.frame(Place::Notifications, "Notifications"),
        topics: topics.collect(),
        destinations: tenant.destinations().await?,
        name: name.to_owned(),
        problem,
    };
    show_as(Problem::status_of(page.problem.as_ref()), &page)
}

async fn list(here: Here) -> Answer {
    page(&here, "", None).await
}

/// Back to the list, with what came of it.
fn back<T>(here: &Here, result: Result<T, ActionError>, text: impl FnOnce(T) -> String) -> Answer {
    let place = here.path("/notifications");
    match result {
        Ok(value) => done(&place, text(value)),
        Err(error) => not_done(&place, error),
    }
}

async fn create(here: Here, form: Form) -> Answer {
    let name = form.text("name");
    let (engine, project) = (&here.engine, &here.project.id);
    match actions::notification::create_topic(engine, here.actor(), project, name).await {
        Ok(topic) => done(
            &here.path("/notifications"),
            format!(
                "Topic {} is there. Choose its events, and who listens.",
                topic.name
            ),
        ),
        Err(error) => page(&here, name, Some(error.into())).await,
    }
}

async fn rename(here: Here, form: Form) -> Answer {
    let (engine, project, topic) = (&here.engine, &here.project.id, here.parameter("topic"));
    let name = form.text("name");
    let renamed = actions::notification::rename_topic(engine, here.actor(), project, topic, name);
    back(&here, renamed.await, |topic| {
        format!("The topic is called {} now.", topic.name)
    })
}

async fn delete(here: Here, _: Form) -> Answer {
    let (engine, project, topic) = (&here.engine, &here.project.id, here.parameter("topic"));
    let deleted = actions::notification::delete_topic(engine, here.actor(), project, topic);
    back(&here, deleted.await, |()| {
        "The topic is deleted.".to_owned()
    })
}

/// Routes every event that is ticked.
async fn route_events(here: Here, form: Form) -> Answer {
    let (engine, project, topic) = (&here.engine, &here.project.id, here.parameter("topic"));
    let mut count = 0;
    for event in form.every("event") {
        let routed =
            actions::notification::route_event(engine, here.actor(), project, event, topic).await;
        if let Err(error) = routed {
            return not_done(&here.path("/notifications"), error);
        }
        count += 1;
    }
    back(&here, Ok(count), |count| match count {
        0 => "No event was ticked.".to_owned(),
        1 => "One more event goes to the topic.".to_owned(),
        _ => format!("{count} more events go to the topic."),
    })
}

async fn route_destination(here: Here, form: Form) -> Answer {
    let (engine, project, topic) = (&here.engine, &here.project.id, here.parameter("topic"));
    let to = form.text("destination");
    let routed = actions::notification::route_topic(engine, here.actor(), project, topic, to);
    back(&here, routed.await, |_| {
        "The destination listens to the topic.".to_owned()
    })
}

async fn unroute_event(here: Here, _: Form) -> Answer {
    let (engine, project, route) = (&here.engine, &here.project.id, here.parameter("route"));
    let removed = actions::notification::unroute_event(engine, here.actor(), project, route);
    back(&here, removed.await, |()| {
        "The event does not go there any more.".to_owned()
    })
}

async fn unroute_destination(here: Here, _: Form) -> Answer {
    let (engine, project, route) = (&here.engine, &here.project.id, here.parameter("route"));
    let removed = actions::notification::unroute_topic(engine, here.actor(), project, route);
    back(&here, removed.await, |()| {
        "The destination listens no more.".to_owned()
    })
}
