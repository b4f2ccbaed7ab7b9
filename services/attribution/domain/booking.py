"""One recognition, booked: an entry that says why, and its postings in every book."""

from services.attribution.domain import books
from services.attribution.domain.policy import Policy
from services.attribution.domain.recognition import Recognition
from services.attribution.domain.state import Entry, EntryPosting, Holder
from shared.events.attribution import AttributionPosted, Posting
from shared.kernel.value import Value


class Booking(Value):
    """An entry and its postings. One that does not balance cannot be built."""

    entry: Entry
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        assert self._sum("stock") == 0, "stock goes from account to account"
        assert self._sum("budget") == 0, "what one budget gains another gives"
        assert self._sum("credit") == self.entry.net_minor, "credit is the net amount, no more and no less"

    @property
    def rows(self) -> tuple[Entry | EntryPosting, ...]:
        """What the journal keeps."""
        return self.entry, *(
            EntryPosting(
                entry_id=self.entry.entry_id,
                ordinal=ordinal,
                book=posting.book,
                account=posting.account,
                line=posting.line,
                counterparty=posting.counterparty,
                amount=posting.amount,
            )
            for ordinal, posting in enumerate(self.postings)
        )

    @property
    def event(self) -> AttributionPosted:
        """What finance reads."""
        entry = self.entry
        return AttributionPosted(
            order_id=entry.order_id,
            entry_id=entry.entry_id,
            line_id=entry.line_id,
            sku=entry.sku,
            quantity=entry.quantity,
            flow=entry.flow,
            channel=entry.channel,
            currency=entry.currency,
            net_minor=entry.net_minor,
            recognised_at=entry.recognised_at,
            period=entry.period,
            policy_version=entry.policy_version,
            rule=entry.rule,
            postings=self.postings,
        )

    def _sum(self, book: str) -> int:
        return sum(posting.amount for posting in self.postings if posting.book == book)


def book(recognition: Recognition, policy: Policy, *, entry_id: str, cause_id: str) -> Booking:
    """Post a recognition in every book, by the rule of the policy that is for it."""
    rule = policy.rule_for(recognition)
    shares = books.shares(recognition.net_minor, rule, recognition.players)
    entry = Entry(
        entry_id=entry_id,
        cause_id=cause_id,
        order_id=recognition.sale.order_id,
        line_id=recognition.line.line_id,
        sku=recognition.line.sku,
        quantity=recognition.quantity,
        flow=recognition.line.method,
        channel=recognition.sale.channel,
        currency=recognition.sale.currency,
        net_minor=recognition.net_minor,
        cost_minor=recognition.cost_minor,
        recognised_at=recognition.recognised_at,
        period=recognition.period,
        policy_version=policy.version,
        rule=rule.name,
        holders=tuple(
            Holder(role, player.location.location_id, player.associate_id, player.not_credited)
            for role, player in recognition.players.items()
        ),
        shares=shares,
    )
    return Booking(entry, (*books.stock(recognition), *books.budget(recognition, policy), *books.credit(shares)))
