"""Verifies webhooks as an app in Python does it, with the `svix` package.

In: a list of {secret, headers, body}. Out: for each whether it is genuine.
"""

import json
import sys

from svix.webhooks import Webhook, WebhookVerificationError


def verify(webhook):
    try:
        Webhook(webhook["secret"]).verify(webhook["body"], webhook["headers"])
        return True
    except WebhookVerificationError:
        return False


json.dump([verify(webhook) for webhook in json.load(sys.stdin)], sys.stdout)
