"""Clients of the server that tests/js/serve.py has started."""
import os
import uuid

import boto3
import botocore.config
import botocore.exceptions

ACCOUNT = os.environ["HOLDFAST_ACCOUNT"]


def client(service, **more):
    more.setdefault("region_name", "us-east-1")
    return boto3.client(service, endpoint_url=os.environ["HOLDFAST_URL"], verify=os.environ["NODE_EXTRA_CA_CERTS"],
                        config=botocore.config.Config(retries={"max_attempts": 0}), **more)


def new_bucket(s3):
    name = "b-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


def code(error):
    return error.response["Error"]["Code"]
