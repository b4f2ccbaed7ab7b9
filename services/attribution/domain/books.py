"""The three books. Stock and budget postings sum to 0, credit postings to the net amount: in every entry, always."""

from collections.abc import Iterable, Iterator

from services.attribution.domain.policy import Policy, Rule
from services.attribution.domain.recognition import Players, Recognition
from services.attribution.domain.state import Share
from shared.events.accounts import CUSTOMER
from shared.events.attribution import Posting
from shared.kernel.money import split


def stock(recognition: Recognition) -> tuple[Posting, ...]:
    """From whose stock? The pieces leave the shelf they were on and go to the customer."""
    shelf = recognition.players["fulfil"].location.location_id
    return transfer(source=shelf, target=CUSTOMER, quantity=recognition.quantity)


def transfer(*, source: str, target: str, quantity: int) -> tuple[Posting, ...]:
    """Return the two postings of pieces that go from one stock account to another."""
    return (
        Posting(book="stock", account=source, amount=-quantity),
        Posting(book="stock", account=target, amount=quantity),
    )


def budget(recognition: Recognition, policy: Policy) -> tuple[Posting, ...]:
    """Into whose budget? Credit is positive: what a cost centre gains. Nothing is posted for an amount of zero."""
    return tuple(
        posting
        for posting in (*_price(recognition), *_cost(recognition), *_handling(recognition, policy))
        if posting.amount
    )


def credit(shares: Iterable[Share]) -> tuple[Posting, ...]:
    """To whose performance? One posting a role, so that the reason stays visible where a location plays several."""
    return tuple(
        Posting(
            book="credit",
            account=share.location_id,
            line=share.role,
            counterparty=share.associate_id or "",
            amount=share.amount_minor,
        )
        for share in shares
        if share.amount_minor
    )


def shares(net_minor: int, rule: Rule, players: Players) -> tuple[Share, ...]:
    """Split a net amount by a rule: each role's portion, exact to the minor unit, to whoever stands for the role."""
    amounts = split(net_minor, {portion.role: portion.basis_points for portion in rule.credit})
    return tuple(
        Share(
            role=portion.role,
            played_by=(role := portion.played_by(players)),
            location_id=players[role].location.location_id,
            associate_id=players[role].associate_id,
            basis_points=portion.basis_points,
            exact_ten_thousandths=net_minor * portion.basis_points,
            amount_minor=amounts[portion.role],
        )
        for portion in rule.credit
    )


def _price(recognition: Recognition) -> Iterator[Posting]:
    """List price and discounts go to the capturing cost centre; the customer pays the rest."""
    seller = recognition.players["capture"].location.cost_centre
    yield _budget(seller, "revenue", recognition.gross_minor)
    for discount in recognition.discounts:
        yield _budget(seller, "discount", -discount.amount_minor, discount.funder)
    yield _budget(CUSTOMER, CUSTOMER, -recognition.net_minor)


def _cost(recognition: Recognition) -> Iterator[Posting]:
    """The seller bears the cost, the owner's stock gives it up; where these are two, one owes it to the other."""
    seller = recognition.players["capture"].location.cost_centre
    owner = recognition.players["fulfil"].location.owner_cost_centre
    cost_minor = recognition.cost_minor or 0
    yield _budget(seller, "cost_of_goods", -cost_minor)
    yield _budget(owner, "stock", cost_minor)
    if owner != seller:
        yield _budget(seller, "due_to", cost_minor, owner)
        yield _budget(owner, "due_from", -cost_minor, seller)


def _handling(recognition: Recognition, policy: Policy) -> Iterator[Posting]:
    """A location that serves another's order line earns a fee for it."""
    capture = recognition.players["capture"].location
    fulfil = recognition.players["fulfil"].location
    if fulfil.location_id != capture.location_id:
        fee_minor = policy.handling_fee(recognition.line.method, recognition.sale.currency)
        earned_minor = recognition.part_of(fee_minor)
        yield _budget(fulfil.cost_centre, "handling", earned_minor, capture.cost_centre)
        yield _budget(capture.cost_centre, "handling", -earned_minor, fulfil.cost_centre)


def _budget(cost_centre: str, line: str, amount_minor: int, counterparty: str = "") -> Posting:
    return Posting(book="budget", account=cost_centre, line=line, counterparty=counterparty, amount=amount_minor)
