"""What the company knows: its products (`ProductGraph`) and its help pages (`Articles`)."""

from __future__ import annotations

from agent.articles import Article, Articles, Hit
from agent.products import Product, ProductGraph, Variant

__all__ = ["Article", "Articles", "Hit", "Product", "ProductGraph", "Variant"]
