"""The emulator: its start and its end, the stack in it, and the calls that the checks make."""

import http.client
import json
import os
import platform
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3
import yaml

REGION = "eu-west-1"
ACCOUNT = "000000000000"
STACK = "tender"
REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "target/tools/bin"
BUILT = REPOSITORY / ".aws-sam/build"

# What the functions are built for here. The stack is for the other one, unless it is told.
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]


class Tagged(yaml.SafeLoader):
    """Reads templates: `!Sub x` as `{"Fn::Sub": "x"}`, and so on."""


def _tagged(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Tagged.add_multi_constructor("!", _tagged)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(seconds, look, every=0.5):
    """What `look` finds, as soon as that is something; None if it is nothing for so long."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() >= end:
            return None
        time.sleep(every)


class Emulator:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tender-ministack-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.access = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.env = os.environ | self.access | {"SAM_CLI_TELEMETRY": "0"}
        own = {
            "BIND_HOST": "127.0.0.1",
            # With an address here, the functions' runtime does not understand its requests.
            "MINISTACK_HOST": "localhost",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "AUTH": "true",
            "TMPDIR": str(self.folder),
            "STATE_DIR": str(self.folder / "state"),
        }
        self.log = open(self.folder / "ministack.log", "w")
        command = [REPOSITORY / "target/ministack/bin/ministack"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=self.env | own, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.session = boto3.Session("test", "test", region_name=REGION)
        if not until(60, self._answers):
            self.stop()
            sys.exit(f"the emulator did not start: {(self.folder / 'ministack.log').read_text()[-2000:]}")
        self.outputs = {}

    def _answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).status == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service):
        return self.session.client(service, endpoint_url=self.url)

    def write_env(self, more):
        """Writes what a shell has to know to call the stack, and to run its functions outside of it."""
        variables = self.access | more
        if "ApiId" in self.outputs:
            variables["API_URL"] = f"http://{self.outputs['ApiId']}.execute-api.localhost:{self.port}"
            for page in self.client("lambda").get_paginator("list_functions").paginate():
                for function in page["Functions"]:
                    variables |= function["Environment"]["Variables"]
            # Whoever runs a function elsewhere has it somewhere else.
            variables.pop("TENDER_PUBLIC_URL", None)
        path = REPOSITORY / "target/ministack/env"
        path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
        return path.relative_to(REPOSITORY)

    # ---- The stack ----

    def build(self):
        command = [TOOLS / "sam", "build", "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
        subprocess.run(command, cwd=REPOSITORY, env=self.env, check=True, stdout=subprocess.DEVNULL)

    def deploy(self, test_merchants, parameters):
        """Deploys what `sam build` built, changed where this emulator is not like AWS:

        - It has no CodeDeploy.
        - It has no alarms over several metrics. Here they are over one.
        - It takes a parameter that is a number for a text, and then cannot compare an event source's concurrency.
        - It wants a permission for SendMessageBatch, which IAM does not have: SendMessage allows both.
        - It takes schedules of any group for such of the group `default`.

        And the webhook receiver is on this machine, without TLS: a variable of two functions and no parameter of the
        template, since on AWS nobody should be one typing error away from that."""
        template = yaml.load((BUILT / "template.yaml").read_text(), Tagged)
        del template["Globals"]["Function"]["DeploymentPreference"]
        for name in ("CreateWebhook", "DeliverWebhook"):
            variables = template["Resources"][name]["Properties"]["Environment"]["Variables"]
            variables["TENDER_TEST_MERCHANTS"] = test_merchants
        for name, resource in template["Resources"].items():
            properties = resource["Properties"]
            if resource["Type"] == "AWS::Serverless::Function":
                properties["CodeUri"] = str(BUILT / name)
            if "Metrics" in properties:
                of_one = properties.pop("Metrics")[1]["MetricStat"]
                properties |= of_one["Metric"] | {"Statistic": of_one["Stat"], "Period": of_one["Period"]}
            for event in properties.get("Events", {}).values():
                if scaling := event["Properties"].get("ScalingConfig"):
                    parameter = scaling["MaximumConcurrency"]["Ref"]
                    scaling["MaximumConcurrency"] = template["Parameters"][parameter]["Default"]
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    batch = ["sqs:SendMessageBatch"] if "sqs:SendMessage" in actions else []
                    statement["Action"] = actions + batch
                    if any(action.startswith("scheduler:") for action in actions):
                        group = statement["Resource"]["Fn::Sub"]
                        other = group.replace("${ScheduleGroup}", "default")
                        statement["Resource"] = [{"Fn::Sub": group}, {"Fn::Sub": other}]
        self.api = template["Resources"]["Api"]["Properties"]["DefinitionBody"]
        changed = self.folder / "template.json"
        changed.write_text(json.dumps(template))
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        command = [
            TOOLS / "sam", "deploy", "--template-file", changed, "--stack-name", STACK, "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset", "--region", REGION,
            "--parameter-overrides", f"Architecture={ARCHITECTURE}", *overrides,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"sam deploy failed:\n{done.stderr[-2000:]}\n{self._what_failed()}")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.variables = {
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::StackName": STACK,
        }

    def _what_failed(self):
        events = self.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
        return "\n".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed)

    def substituted(self, text):
        return re.sub(r"\$\{([^}]+)\}", lambda found: self.variables[found[1]], text)

    def make_routes(self):
        """Makes the API's routes from the template's own definition of them."""
        gateway = self.client("apigatewayv2")
        api = self.outputs["ApiId"]
        resources = self.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
        made = {}
        for path, methods in self.api["paths"].items():
            for method, operation in methods.items():
                wanted = operation["x-amazon-apigateway-integration"]
                uri = self.substituted(wanted["uri"]["Fn::Sub"])
                role = physical[wanted["credentials"]["Fn::GetAtt"][0]]
                if uri not in made:
                    made[uri] = gateway.create_integration(
                        ApiId=api,
                        IntegrationType="AWS_PROXY",
                        IntegrationMethod="POST",
                        IntegrationUri=uri,
                        PayloadFormatVersion=wanted["payloadFormatVersion"],
                        TimeoutInMillis=wanted["timeoutInMillis"],
                        CredentialsArn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
                    )["IntegrationId"]
                gateway.create_route(
                    ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{made[uri]}"
                )
        return len(made)

    # ---- Calls ----

    def call(self, method, path, key, body=None):
        """A request over the API: its status, and its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Host": f"{self.outputs['ApiId']}.execute-api.localhost:{self.port}", "X-API-Key": key}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, text

    def lines(self, group, since):
        """The lines of a log group from a time on."""
        logs = self.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=int(since * 1000))
        return [event["message"] for page in pages for event in page["events"]]

    def redrive(self, dead_letters, queue):
        """Moves what is in one queue to another, and says how many that were: what StartMessageMoveTask does on AWS,
        which this emulator does not have."""
        sqs, dead_letters, queue = self.client("sqs"), self.outputs[dead_letters], self.outputs[queue]
        moved = 0
        while messages := sqs.receive_message(QueueUrl=dead_letters, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.send_message(QueueUrl=queue, MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])
                moved += 1
        return moved

    def count(self, queue, figure="ApproximateNumberOfMessages"):
        attributes = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[queue], AttributeNames=[figure])
        return int(attributes["Attributes"][figure])
