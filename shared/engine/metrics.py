"""What an SRE asks a service, as Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
AGES = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)


class Metrics:
    """The metrics of one member, in a registry of their own."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        self.messages = Counter("tekil_messages", "Messages by what became of them.", ["outcome"], registry=to)
        self.dead = Counter("tekil_dead_letters", "Records set aside, by reason.", ["reason"], registry=to)
        self.batch_records = Histogram("tekil_batch_records", "Records in a batch.", buckets=SIZES, registry=to)
        self.batch_seconds = Histogram("tekil_batch_seconds", "From poll to commit.", buckets=SECONDS, registry=to)
        self.event_age = Histogram("tekil_event_age_seconds", "Record age when decided.", buckets=AGES, registry=to)
        self.retries = Counter("tekil_retries", "Batches tried again, by cause.", ["cause"], registry=to)
        self.rebalances = Counter("tekil_rebalances", "Changes of partitions.", registry=to)
        self.relayed = Counter("tekil_relayed", "Records published from the outbox.", registry=to)
        self.leading = Gauge("tekil_relay_leading", "1 where this member leads the relay.", registry=to)
        self.outbox_depth = Gauge("tekil_outbox_depth", "Records waiting to be published.", registry=to)
        self.outbox_age = Gauge("tekil_outbox_oldest_seconds", "Age of its oldest record.", registry=to)
        self.parked = Gauge("tekil_parked", "Early messages waiting.", registry=to)
        self.parked_age = Gauge("tekil_parked_oldest_seconds", "Age of the oldest early message.", registry=to)
        self.overdue = Gauge("tekil_deadlines_overdue_seconds", "Lateness of the oldest.", registry=to)
        self.letters = Gauge("tekil_dead_letters_open", "Dead letters that wait for a person.", registry=to)
        self.lag = Gauge("tekil_consumer_lag", "Records not yet consumed.", ["topic", "partition"], registry=to)
        Gauge("tekil_service_info", "Which service this is.", ["service"], registry=to).labels(service).set(1)
