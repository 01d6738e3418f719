"""What the shop's systems can do; importing this package registers every operation."""

from agent.operations import account, aftercare, catalogue, identity, orders, service
from agent.operations.base import OPERATIONS, Desk, Operation, Refusal

__all__ = [
    "OPERATIONS",
    "Desk",
    "Operation",
    "Refusal",
    "account",
    "aftercare",
    "catalogue",
    "identity",
    "orders",
    "service",
]
