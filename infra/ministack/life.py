"""Deploys the stack to the emulator, and lives through the life of an order there. See `run`."""

import argparse
import base64
import hashlib
import hmac
import json
import queue
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.exceptions import ClientError

from emulator import STACK, Emulator, until

MERCHANT = "Shop"
CARD = {"type": "scheme", "number": "4111111111111111", "expiryMonth": "03", "expiryYear": "2030", "cvc": "737"}
MAX_RECEIVES = 2
LOG_OF_REQUESTS, LOG_OF_BACKGROUND = f"/tender/{STACK}/requests", f"/tender/{STACK}/background"

passed = []


def check(what, is_so, why=""):
    if not is_so:
        raise AssertionError(f"{what}: {why}" if why != "" else what)
    passed.append(what)
    print(f"  ok  {what}", flush=True)


class Receiver:
    """A merchant's webhook endpoint: acknowledges everything, and remembers it."""

    def __init__(self):
        self.came = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.came.put((dict((name.lower(), value) for name, value in handler.headers.items()), body))
                handler.send_response(200)
                handler.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.told = {}

    def of(self, order, last, seconds):
        """What was told of an order, in its order, once that of type `last` has come."""
        end = time.monotonic() + seconds
        while not any(event["type"] == last for _, event in self.told.get(order, [])):
            try:
                headers, body = self.came.get(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                break
            event = json.loads(body)
            about = event["data"].get("order", {}).get("pspReference")
            self.told.setdefault(about, []).append(((headers, body), event))
        return self.told.get(order, [])


def is_signed(headers, body, keys):
    """Both signatures, as docs/API.md says they are made."""

    def made(key, text):
        return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()

    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    standard = "v1," + made(base64.b64decode(keys["secret"].removeprefix("whsec_")), text)
    return headers["webhook-signature"] == standard and headers["hmacsignature"] == made(
        bytes.fromhex(keys["hmacKey"]), body
    )


def at(seconds):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).replace(microsecond=0)


class Life:
    def __init__(self, emulator):
        self.emulator = emulator
        self.receiver = Receiver()
        self.operator = self.key = ""

    def expect(self, status, method, path, key, body=None):
        found, answer = self.emulator.call(method, path, key, body)
        if found != status:
            raise AssertionError(f"{method} {path} was answered with {found}, not {status}: {answer}")
        return answer

    # ---- The operator ----

    def begin(self):
        secrets = self.emulator.client("secretsmanager")
        self.operator = secrets.get_secret_value(SecretId=self.emulator.outputs["OperatorKeyArn"])["SecretString"]
        self.expect(401, "POST", "/admin/v1/merchants", "not-the-key", {"merchantAccount": MERCHANT})
        self.expect(201, "POST", "/admin/v1/merchants", self.operator, {"merchantAccount": MERCHANT})
        check("the operator's key from Secrets Manager creates a merchant account, and no other key does", True)
        asked = {"merchantAccounts": [MERCHANT], "roles": ["payments"]}
        self.key = self.expect(201, "POST", "/admin/v1/apiKeys", self.operator, asked)["apiKey"]
        asked = {"merchantAccount": MERCHANT, "url": self.receiver.url, "format": "tender"}
        self.endpoint = self.expect(201, "POST", "/admin/v1/webhooks", self.operator, asked)
        check("it makes an API key and a webhook endpoint", True)

    def gift_card(self, value):
        asked = {"merchantAccount": MERCHANT, "brand": "givex", "balance": {"currency": "EUR", "value": value}}
        return self.expect(201, "POST", "/admin/v1/giftCards", self.operator, asked)

    def balance(self, card):
        path = f"/admin/v1/giftCards/{card['number']}?merchantAccount={MERCHANT}"
        return self.expect(200, "GET", path, self.operator)["balance"]["value"]

    # ---- The shop ----

    def open(self, reference, value, expires=None):
        asked = {
            "merchantAccount": MERCHANT,
            "reference": reference,
            "amount": {"currency": "EUR", "value": value},
        }
        if expires:
            asked["expiresAt"] = expires.isoformat()
        return self.expect(200, "POST", "/v72/orders", self.key, asked)

    def pay(self, order, reference, value, method):
        asked = {
            "merchantAccount": MERCHANT,
            "reference": reference,
            "amount": {"currency": "EUR", "value": value},
            "returnUrl": "https://shop.example/return",
            "paymentMethod": method,
            "order": {"pspReference": order["pspReference"], "orderData": order["orderData"]},
        }
        answer = self.expect(200, "POST", "/v72/payments", self.key, asked)
        assert answer["resultCode"] == "Authorised", answer
        return answer["order"] if "order" in answer else answer

    def pay_by_gift_card(self, order, reference, value, card):
        method = {"type": "giftcard", "brand": "givex", "number": card["number"], "cvc": card["cvc"]}
        return self.pay(order, reference, value, method)

    # ---- Lives ----

    def paid(self):
        bus = self.subscribed_to_bus()
        card = self.gift_card(2000)
        order = self.open("paid", 10_000)
        psp = order["pspReference"]
        order = self.pay_by_gift_card(order, "paid-1", 2000, card)
        check("a gift card pays a part of an order", order["remainingAmount"]["value"] == 8000, order)
        order = self.pay(order, "paid-2", 8000, CARD)
        check("a card pays the rest", order["remainingAmount"]["value"] == 0, order)

        told = self.receiver.of(psp, "order.closed", 60)
        # What is told may come twice, since two deliveries may be under way: what counts is when it first came.
        first = {}
        for _, event in told:
            first.setdefault(event["id"], event)
        kinds = [event["type"] for event in first.values()]
        expected = ["order.opened"] + 2 * ["payment.reserved", "payment.authorised"] + ["order.closed"]
        check("every step was told, in its order", kinds == expected, kinds)
        numbers = [event["sequence"] for event in first.values()]
        check("without a gap", numbers == list(range(1, len(first) + 1)), numbers)
        check("and signed", all(is_signed(*came, self.endpoint) for came, _ in told))

        kinds = {event["detail-type"] for event in self.on_bus(bus, psp)}
        check("the bus has it too", {"opened", "payment_reserved", "closed"} <= kinds, kinds)
        order = self.expect(200, "GET", f"/v72/orders/{psp}", self.key)
        check("the order is paid", order["remainingAmount"]["value"] == 0 and order.get("success") is True, order)

        # Both families have a path that ends so; each has a function of its own behind it.
        amounts = self.expect(200, "POST", f"/v2/payments/{psp}/captures", self.key, {"amount": 3000})["amounts"]
        check("the payments family's own function captures from it", amounts["total_captured"] == 3000, amounts)

    def subscribed_to_bus(self):
        events, sqs = self.emulator.client("events"), self.emulator.client("sqs")
        url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = self.emulator.outputs["BusName"]
        rule = events.put_rule(
            Name="subscriber", EventBusName=bus, EventPattern=json.dumps({"source": ["tender"]}), State="ENABLED"
        )
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_targets(Rule="subscriber", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def on_bus(self, url, psp):
        sqs, found = self.emulator.client("sqs"), []

        def closed():
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            events = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
            found.extend(event for event in events if event["detail"]["order"] == psp)
            return any(event["detail-type"] == "closed" for event in found)

        until(30, closed)
        return found

    def expired_soon(self):
        card = self.gift_card(5000)
        order = self.open("expired", 9000, at(20))
        self.pay_by_gift_card(order, "expired-1", 5000, card)
        check("the gift card's money is held", self.balance(card) == 0)
        told = self.receiver.of(order["pspReference"], "order.closed", 90)
        last = told[-1][1] if told else None
        is_expired = bool(last) and last["data"]["order"].get("reason") == "expired"
        check("an order that expires soon is cancelled then, by a message that was delayed", is_expired, last)
        check("and the gift card has its money again", self.balance(card) == 5000, self.balance(card))

    def schedule_of(self, psp):
        scheduler = self.emulator.client("scheduler")
        group = self.emulator.outputs["ScheduleGroupName"]
        for summary in scheduler.list_schedules(GroupName=group)["Schedules"]:
            try:
                found = scheduler.get_schedule(GroupName=group, Name=summary["Name"])
            except scheduler.exceptions.ResourceNotFoundException:
                # The relay deleted it since it was listed.
                continue
            if psp in found["Target"]["Input"]:
                return found
        return None

    def expired_later(self, is_patient):
        expires = at(15 * 60 + 50)
        card = self.gift_card(4000)
        order = self.open("scheduled", 9000, expires)
        psp = order["pspReference"]
        found = until(40, lambda: self.schedule_of(psp))
        check("an order that expires later has a schedule", found)
        expression = f"at({expires.strftime('%Y-%m-%dT%H:%M:%S')})"
        check("for its expiry", found["ScheduleExpression"] == expression, found["ScheduleExpression"])
        is_target = found["Target"]["Arn"].endswith(f":function:{STACK}-expire-order:live")
        check("that calls the live version of expire-order", is_target, found["Target"]["Arn"])
        role = self.emulator.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId="ScheduleRole"
        )["StackResourceDetail"]["PhysicalResourceId"]
        check("as the schedules' role", found["Target"]["RoleArn"].endswith(f":role/{role}"), found["Target"])
        self.pay_by_gift_card(order, "scheduled-1", 4000, card)

        if is_patient:
            told = self.receiver.of(psp, "order.closed", 18 * 60)
            last = told[-1][1] if told else None
            is_expired = bool(last) and last["data"]["order"].get("reason") == "expired"
            check("it goes off by itself, and the order is cancelled", is_expired, last)
            check("the gift card has its money again", self.balance(card) == 4000)
            return

        # By now less than 15 minutes are left, so what comes too early is sent again by the queue.
        time.sleep(max(0, expires.timestamp() - 15 * 60 + 1 - time.time()))
        before = self.emulator.count("WorkQueueUrl", "ApproximateNumberOfMessagesDelayed")
        fields = ("GroupName", "Name", "FlexibleTimeWindow", "Target", "ActionAfterCompletion")
        changed = {field: found[field] for field in fields}
        moved = at(3).strftime("%Y-%m-%dT%H:%M:%S")
        self.emulator.client("scheduler").update_schedule(**changed, ScheduleExpression=f"at({moved})")
        gone = until(60, lambda: not self.schedule_of(psp))
        check("moved to now, it goes off, and is not there any more", gone)

        def delayed():
            return self.emulator.count("WorkQueueUrl", "ApproximateNumberOfMessagesDelayed") > before

        check("expire-order found it early, and put its work into the queue for its time", until(30, delayed))

    def cancelled(self):
        order = self.open("cancelled", 1000, at(3600))
        psp = order["pspReference"]
        check("another order has a schedule", until(40, lambda: self.schedule_of(psp)))
        asked = {
            "merchantAccount": MERCHANT,
            "order": {"pspReference": psp, "orderData": order["orderData"]},
        }
        job = json.loads(self.schedule_of(psp)["Target"]["Input"]) | {"job": "work"}
        self.expect(200, "POST", "/v72/orders/cancel", self.key, asked)
        check("which is deleted when the order ends first", until(60, lambda: not self.schedule_of(psp)))
        url = self.emulator.outputs["WorkQueueUrl"]
        self.emulator.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(job))
        in_flight = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        done = until(30, lambda: not any(self.emulator.count("WorkQueueUrl", figure) for figure in in_flight))
        check("what a schedule calls with is, named so, a job for the work queue", done)

    # ---- What goes wrong ----

    def poisoned(self):
        sqs = self.emulator.client("sqs")
        url, started = self.emulator.outputs["WorkQueueUrl"], time.time()
        # So that it comes again in seconds and not in six minutes.
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "3"})
        message = sqs.send_message(QueueUrl=url, MessageBody="no job")["MessageId"]
        arrived = until(90, lambda: self.emulator.count("WorkDeadLettersUrl"))
        check("a message that is no job ends as a dead letter", arrived)
        lines = [line for line in self.emulator.lines(LOG_OF_BACKGROUND, started) if message in line]
        check("the background's log says why, at each try", len(lines) == MAX_RECEIVES, lines)
        moved = self.emulator.redrive("WorkDeadLettersUrl", "WorkQueueUrl")
        left = self.emulator.count("WorkDeadLettersUrl")
        check("a redrive gives it to the queue again", (moved, left) == (1, 0), (moved, left))
        check("where it fails again", until(90, lambda: self.emulator.count("WorkDeadLettersUrl")))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "360"})

    def relayed_by_hand(self):
        """What docs/DEPLOYING.md says to do about a commit that the relay set aside."""
        order = self.open("by-hand", 1000, at(7200))
        psp = order["pspReference"]
        assert until(40, lambda: self.schedule_of(psp))
        scheduler = self.emulator.client("scheduler")
        found = self.schedule_of(psp)
        scheduler.delete_schedule(GroupName=found["GroupName"], Name=found["Name"])
        items = self.emulator.client("dynamodb").query(
            TableName=self.emulator.outputs["TableName"],
            KeyConditionExpression="pk = :pk AND sk = :sk",
            ExpressionAttributeValues={":pk": {"S": f"{MERCHANT}/{psp[:13]}"}, ":sk": {"N": "0"}},
        )["Items"]
        check("the order's first commit is in the table", len(items) == 1, items)
        image = {
            name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
            for name, typed in items[0].items()
        }
        event = {"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "0", "NewImage": image}}]}
        answer = self.emulator.client("lambda").invoke(
            FunctionName=f"{STACK}-relay", Qualifier="live", Payload=json.dumps(event)
        )
        answer = json.loads(answer["Payload"].read())
        check("the relay takes a commit that is given to it by hand", answer == {"batchItemFailures": []}, answer)
        check("and does again what follows from it", self.schedule_of(psp))

    def without_permission(self):
        """Takes a right from a function's role. Other functions have that role too, and are not called meanwhile."""
        iam = self.emulator.client("iam")
        function = self.emulator.client("lambda").get_function_configuration(FunctionName=f"{STACK}-create-merchant")
        role = function["Role"].split("/")[-1]
        name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        actions = [statement["Action"] for statement in document["Statement"]]
        assert ["dynamodb:PutItem", "dynamodb:Query"] in actions, actions
        less = json.loads(json.dumps(document).replace('"dynamodb:PutItem", ', "", 1))
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
        asked = {"merchantAccount": "Another"}
        status, _ = self.emulator.call("POST", "/admin/v1/merchants", self.operator, asked)
        check("without dynamodb:PutItem in its role, a function cannot write", status == 503, status)
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        self.expect(201, "POST", "/admin/v1/merchants", self.operator, asked)
        check("with it, it can", True)

    def counted(self, since):
        lines = [json.loads(line) for line in self.emulator.lines(LOG_OF_REQUESTS, since) if '"_aws"' in line]
        lines += [json.loads(line) for line in self.emulator.lines(LOG_OF_BACKGROUND, since) if '"_aws"' in line]
        metrics = [metric for line in lines for metric in line["_aws"]["CloudWatchMetrics"]]
        spaces = {metric["Namespace"] for metric in metrics}
        names = {name["Name"] for metric in metrics for name in metric["Metrics"]}
        check("metrics are in the logs, under the stack's name", spaces == {f"Tender/{STACK}"}, spaces)
        expected = {"OrdersOpened", "OrdersClosed", "Payments", "WebhookAttempts"}
        check("of orders, payments and webhooks", expected <= names, names)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--built", action="store_true")
    arguments.add_argument("--patient", action="store_true")
    arguments.add_argument("--keep", action="store_true")
    arguments = arguments.parse_args()

    started = time.time()
    emulator = Emulator()
    life = failed = None
    try:
        if not arguments.built:
            print("sam build", flush=True)
            emulator.build()
        print("sam deploy", flush=True)
        before = time.time()
        emulator.deploy(MERCHANT, {"MaxReceives": MAX_RECEIVES, "DeletionProtection": "false"})
        endpoints, took = emulator.make_routes(), time.time() - before
        check(f"sam deploy makes the stack ({took:.0f} s), and {endpoints} endpoints have their routes", True)
        life = Life(emulator)
        life.begin()
        life.paid()
        life.expired_soon()
        life.cancelled()
        life.relayed_by_hand()
        life.without_permission()
        life.poisoned()
        life.expired_later(arguments.patient)
        life.counted(started)
    except (AssertionError, ClientError) as error:
        failed = error
    finally:
        if arguments.keep:
            keys = {"OPERATOR_KEY": life.operator, "API_KEY": life.key} if life else {}
            print(f"the emulator is process {emulator.process.pid}, with its log in {emulator.folder}")
            print(f"what a shell has to know of it is in {emulator.write_env(keys)}")
        else:
            emulator.stop()

    print(f"{len(passed)} checks passed in {time.time() - started:.0f} s")
    if failed:
        print(f"FAILED: {failed}")
        sys.exit(1)


if __name__ == "__main__":
    main()
