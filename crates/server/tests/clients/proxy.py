"""Lists, pages, creates and is refused as an app does it with `atlassian-python-api`,
pointed at the proxy: its URL and the headers of its session, and nothing else.

In: {"origin", "headers"}. Out: what it saw, as JSON.
"""

import json
import sys

import requests
from atlassian.bitbucket import Cloud

given = json.load(sys.stdin)
session = requests.Session()
session.headers.update(given["headers"])
asked = []
session.hooks["response"].append(lambda answer, *_, **__: asked.append(answer.url))

cloud = Cloud(url=given["origin"], session=session)
workspace = cloud.workspaces.get("acme")
repositories = [repository.get_data("uuid") for repository in workspace.repositories.each()]
projects = [project.get_data("key") for project in workspace.projects.each()]
made = workspace.projects.create("From Python", "PYTHON", "made through the proxy")
read = workspace.projects.get("PYTHON")
try:
    workspace.projects.get("NOBODY")
    refusal = None
except requests.HTTPError as error:
    refusal = {"status": error.response.status_code, "message": str(error)}
try:
    workspace.projects.create("Again", "PYTHON", "there already")
    again = None
except requests.HTTPError as error:
    again = {"status": error.response.status_code, "message": str(error)}
read.delete()
json.dump(
    {
        "repositories": repositories,
        "projects": projects,
        "made": made.get_data("key"),
        "read": read.get_data("description"),
        "refusal": refusal,
        "again": again,
        "asked": asked,
    },
    sys.stdout,
)
