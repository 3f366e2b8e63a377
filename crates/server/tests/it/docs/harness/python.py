
import sys

for line in sys.stdin:
    secret, *parts, body = [base64.b64decode(part) for part in line.strip().split(",")]
    names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
    headers = {name: part.decode() for name, part in zip(names, parts)}
    print(str(is_genuine(secret.decode(), headers, body)).lower())
