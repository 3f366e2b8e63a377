//! `/projects/{project}`: how the project does.

use askama::Template;
use store::DeliveriesOverview;

use super::answer::{Answer, show};
use super::frame::{Frame, Place};
use super::here::Here;

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    deliveries: DeliveriesOverview,
}

/// `GET /projects/{project}`
pub(crate) async fn page(here: Here) -> Answer {
    show(&Page {
        deliveries: here.tenant().deliveries_overview().await?,
        frame: here.frame(Place::Overview, "Overview"),
    })
}
