"""The application of the desk: its routes, its assets, and what ends with it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from archive_colorizer.review import picture_routes, pin_routes, routes
from archive_colorizer.review.desk import Desk
from archive_colorizer.web.application import Entrance, make_application
from archive_colorizer.web.assets import Assets

INDEX: Final = "desk/index.html"


def make_desk_app(desk: Desk, entrance: Entrance) -> FastAPI:
    """Make the application of a desk; the desk is closed when it ends."""

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(desk.close)

    app = make_application(entrance, Assets.read(_folders()), INDEX, lifespan=live)
    app.state.desk = desk
    app.include_router(routes.router)
    app.include_router(picture_routes.router)
    app.include_router(pin_routes.router)
    return app


def _folders() -> Mapping[str, Traversable]:
    package = files("archive_colorizer")
    return {"web": package / "web" / "assets", "desk": package / "review" / "assets"}
