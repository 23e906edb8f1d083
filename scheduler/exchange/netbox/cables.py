"""Who feeds whom, read from cables, and from the racks of feeds and devices."""

from __future__ import annotations

import graphlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from scheduler.exchange.exchanged import ExchangeError
from scheduler.exchange.netbox.feed_power import feed_w
from scheduler.exchange.netbox.objects import Feed, Objects, Port
from scheduler.exchange.netbox.supply import FEED, INLET, PANEL, Element, Key, Supply


def supply_of(objects: Objects, power_factor: Fraction) -> tuple[Supply, list[str]]:
    """Return the live supply of all racks, and in words what is left out of it."""
    ways = _Ways(objects, power_factor)
    elements = ways.live()
    leaves = {rack: ways.leaves_of(rack, elements) for rack in objects.racks}
    return Supply(elements, leaves), [*ways.left_out, *ways.unused(elements, leaves)]


class _Ways:
    """Who feeds whom, from cables and from the racks of feeds and devices."""

    def __init__(self, objects: Objects, power_factor: Fraction) -> None:
        self.objects, self.power_factor = objects, power_factor
        self.left_out: list[str] = []
        spreading = {outlet.device for outlet in objects.outlets.values()}
        self.inlets = {p.id: p for p in objects.ports.values() if p.device in spreading}
        self.consumers = {p.id: p for p in objects.ports.values() if p.device not in spreading}
        self.inlets_of: dict[int, list[Key]] = defaultdict(list)
        for port in self.inlets.values():
            self.inlets_of[port.device].append((INLET, port.id))
        self.feeds_of_port: dict[int, list[int]] = defaultdict(list)
        for port in objects.ports.values():
            self.feeds_of_port[port.id] += port.feeds
        for feed in objects.feeds.values():
            for number in feed.ports:
                self.feeds_of_port[number].append(feed.id)
        self.ports_in: dict[int, list[Port]] = defaultdict(list)  # by rack
        for port in objects.ports.values():
            device = objects.devices.get(port.device)
            if device is not None and device.rack is not None:
                self.ports_in[device.rack.id].append(port)
        self.feeds_in: dict[int, list[Feed]] = defaultdict(list)
        for feed in objects.feeds.values():
            if feed.rack is not None:
                self.feeds_in[feed.rack].append(feed)
        self.drawn_from: set[Key] = set()  # inlets and feeds with a cable to a consumer
        for port in self.consumers.values():
            self.drawn_from.update(self.sources(port))
        self.spread_from = {each for p in self.inlets.values() for each in self.sources(p)}

    def sources(self, port: Port) -> tuple[Key, ...]:
        """Return what a cable of `port` leads to, each once."""
        found: list[Key] = [(FEED, number) for number in self.feeds_of_port[port.id]]
        for number in port.outlets:
            outlet = self.objects.outlets.get(number)
            if outlet is not None and outlet.port in self.inlets:
                found.append((INLET, outlet.port))
            elif outlet is not None:
                found += self.inlets_of[outlet.device]
        return tuple(dict.fromkeys(found))

    def live(self) -> dict[Key, Element]:
        """Return the elements that power reaches, parents first."""
        parents: dict[Key, tuple[Key, ...]] = {(PANEL, n): () for n in self.objects.panels}
        parents |= {(FEED, f.id): ((PANEL, f.panel),) for f in self.objects.feeds.values()}
        parents |= {(INLET, p.id): self.sources(p) for p in self.inlets.values()}
        try:
            order = list(graphlib.TopologicalSorter(parents).static_order())
        except graphlib.CycleError as error:
            names = " -> ".join(self.name(key) for key in error.args[1][:10])
            line = f"power-ports: expected cables without a circle, got {names}"
            raise ExchangeError([line]) from None
        elements: dict[Key, Element] = {}
        for key in order:
            alive = tuple(parent for parent in parents.get(key, ()) if parent in elements)
            if key in parents and (why := self.dead(key, alive)):
                self.left_out.append(f"{self.name(key)}: {why}")
            elif key in parents:
                elements[key] = Element(
                    key=key, name=self.name(key), parents=alive, limit_w=self.limit_w(key)
                )
        return elements

    def dead(self, key: Key, alive: tuple[Key, ...]) -> str:
        """Return why an element carries nothing; empty if it does."""
        kind, number = key
        if kind == PANEL:
            return ""
        if kind == FEED:
            feed = self.objects.feeds[number]
            if feed.status != "active":
                return f"its status is {feed.status}"
            return "" if alive else f"its panel #{feed.panel} is not among the power panels"
        device = self.objects.devices.get(self.inlets[number].device)
        if device is not None and device.status != "active":
            return f"the status of its device is {device.status}"
        limit_w = self.inlets[number].maximum_w
        lost = f"; its limit of {limit_w:,} W is not counted" if limit_w else ""
        return "" if alive else f"no cable leads from it to an active feed{lost}"

    def limit_w(self, key: Key) -> int | None:
        """Return the limit of an element alone."""
        if key[0] == FEED:
            feed = self.objects.feeds[key[1]]
            return feed_w(
                feed.volts,
                feed.amperes,
                feed.percent,
                Fraction(1) if feed.is_dc else self.power_factor,
                three_phase=feed.is_three_phase,
            )
        return self.inlets[key[1]].maximum_w or None if key[0] == INLET else None

    def name(self, key: Key) -> str:
        """Return a name that tells the element from its likes in the same device or panel."""
        kind, number = key
        objects = self.objects
        if kind == PANEL:
            return objects.panels[number].name if number in objects.panels else f"panel #{number}"
        if kind == FEED and number not in objects.feeds:
            return f"feed #{number}"
        if kind == FEED:
            feed = objects.feeds[number]
            return f"{self.name((PANEL, feed.panel))}/{feed.name}"
        port = self.inlets[number]
        device = objects.devices.get(port.device)
        return f"{device.name if device else f'device #{port.device}'}/{port.name}"

    def leaves_of(self, rack: int, elements: Mapping[Key, Element]) -> tuple[Key, ...]:
        """Return the last elements before the loads of a rack.

        Inlets of the rack's own PDUs, except those that only feed further PDUs; feeds of the rack
        without a cable to a PDU; and if there are none, what the cables of its devices lead to.
        """
        own: list[Key] = [(INLET, p.id) for p in self.ports_in[rack] if p.id in self.inlets]
        last = [key for key in own if key in self.drawn_from or key not in self.spread_from]
        direct = [(FEED, feed.id) for feed in self.feeds_in[rack]]
        found = [*last, *(key for key in direct if key not in self.spread_from)]
        if not any(key in elements for key in found):
            found = [
                key
                for port in self.ports_in[rack]
                if port.id in self.consumers
                for key in self.sources(port)
            ]
        return tuple(dict.fromkeys(key for key in found if key in elements))

    def unused(
        self, elements: Mapping[Key, Element], leaves: Mapping[int, tuple[Key, ...]]
    ) -> Iterator[str]:
        """Yield the live feeds that no rack hangs on."""
        supply = Supply(elements, leaves)
        used = supply.above((key for keys in leaves.values() for key in keys), FEED)
        for key in elements:
            if key[0] == FEED and key not in used:
                yield f"{self.name(key)}: neither its rack nor its cable leads to a rack"
