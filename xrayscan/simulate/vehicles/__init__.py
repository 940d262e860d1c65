"""Vehicles: containers, trailers, vans and wagons with all that carries them, and where a person can hide outside the load."""

from xrayscan.simulate.vehicles.kinds import VEHICLES, draw_vehicle
from xrayscan.simulate.vehicles.tank import liquid
from xrayscan.simulate.vehicles.vehicle import Niche, Vehicle, VehicleKind

__all__ = ["VEHICLES", "Niche", "Vehicle", "VehicleKind", "draw_vehicle", "liquid"]
