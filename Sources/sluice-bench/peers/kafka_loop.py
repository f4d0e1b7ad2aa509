#!/usr/bin/env python3
"""The filter's plumbing in Python, for comparison: read, parse, write a fixed verdict, exactly once.

Outputs and input offsets are one transaction for each batch of 5,000 records, as in Sluice. Nothing
is judged. Prints the records per second from the first record read to the last commit.

    pip install confluent-kafka==2.16.1
    kafka_loop.py --bootstrap localhost:9092 --input exchanges --output verdicts --count 100000
"""

import argparse
import json
import sys
import time
import uuid
from datetime import datetime, timezone

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

BATCH = 5_000
HEADERS = [
    ("content-type", b"application/json"),
    ("sluice-flagged", b"false"),
    ("sluice-score", b"0.0"),
    ("sluice-action", b"allow"),
    ("sluice-model", b"trivial@00000000"),
]


def verdict(message, judged_at):
    """The verdict on one message, as the bytes to publish."""
    exchange = json.loads(message.value())
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    return json.dumps(
        {
            "id": exchange.get("id") or f"{topic}/{partition}/{offset}",
            "flagged": False,
            "action": "allow",
            "score": 0.0,
            "prompt_score": 0.0,
            "response_score": 0.0,
            "threshold": 0.5,
            "model": "trivial@00000000",
            "policy": "default",
            "tokens": 1,
            "windows": 1,
            "source": {"topic": topic, "partition": partition, "offset": offset},
            "judged_at": judged_at,
        },
        separators=(",", ":"),
    ).encode()


def now_text():
    text = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def publish(producer, consumer, messages, output, partition_count):
    """Publishes the verdicts on `messages` and their offsets in one transaction."""
    producer.begin_transaction()
    judged_at = now_text()
    next_offsets = {}
    for message in messages:
        next_offsets[message.topic(), message.partition()] = message.offset() + 1
        headers = (message.headers() or []) + HEADERS
        while True:
            try:
                producer.produce(
                    output,
                    value=verdict(message, judged_at),
                    key=message.key(),
                    partition=message.partition() % partition_count,
                    headers=headers,
                )
                break
            except BufferError:
                producer.poll(0.01)
    offsets = [TopicPartition(topic, partition, offset)
               for (topic, partition), offset in next_offsets.items()]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
    producer.commit_transaction()


def run(arguments):
    consumer = Consumer({
        "bootstrap.servers": arguments.bootstrap,
        "group.id": arguments.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    })
    producer = Producer({
        "bootstrap.servers": arguments.bootstrap,
        "transactional.id": f"kafka-loop-{uuid.uuid4()}",
        "partitioner": "murmur2_random",
        "delivery.report.only.error": True,
    })
    producer.init_transactions()
    topics = producer.list_topics(arguments.output, timeout=10).topics
    partition_count = len(topics[arguments.output].partitions)
    consumer.subscribe([arguments.input])

    done, start = 0, None
    while done < arguments.count:
        batch = []
        wanted = min(BATCH, arguments.count - done)
        while len(batch) < wanted:
            for message in consumer.consume(wanted - len(batch), timeout=0.1):
                if message.error():
                    raise KafkaException(message.error())
                batch.append(message)
            if batch and start is None:
                start = time.perf_counter()
        publish(producer, consumer, batch, arguments.output, partition_count)
        done += len(batch)
    seconds = time.perf_counter() - start
    consumer.close()
    return done / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--count", type=int, required=True, help="records to read, then stop")
    parser.add_argument("--group", default=f"kafka-loop-{uuid.uuid4()}")
    arguments = parser.parse_args()
    print(f"{run(arguments):.0f} records/s")


if __name__ == "__main__":
    sys.exit(main())
