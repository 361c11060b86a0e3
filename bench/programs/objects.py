"""Objects, text and JSON, as in a Python service; the argument is the number of repetitions."""

import json
import re
import sys


class Order:
    def __init__(self, number):
        self.number = number
        self.customer = f"customer {number * 7919 % 1000}"
        self.lines = [{"item": f"item-{(number * 31 + i) % 500}", "count": i + 1,
                       "price": (number * 17 + i * 13) % 997 / 10} for i in range(5)]

    def total(self):
        return sum(line["count"] * line["price"] for line in self.lines)


def work():
    orders = [Order(number) for number in range(4000)]
    text = json.dumps([vars(order) for order in orders])
    totals = {}
    for order in json.loads(text):
        words = re.findall(r"\w+", order["customer"])
        totals.setdefault(words[-1], []).append(order["number"])
    ranked = sorted(orders, key=Order.total, reverse=True)
    names = "\n".join(order.customer.upper() for order in ranked).split("\n")
    return len(names), len(totals)


results = {work() for _ in range(int(sys.argv[1]))}
assert results == {(4000, 1000)}, results
