"""The API against its own description: whatever fits the OpenAPI, and what nearly fits it, is answered without a server's error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.site import Site, serve
from tests.stage import Stage

FEW = settings(
    max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), database=None,
    derandomize=True,
)  # fmt: skip

SIGNS_OUT = "DELETE /api/v1/session"


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    for make in (stage.find, stage.to_assigned, stage.to_rectifying, stage.to_submitted, stage.to_verified, stage.to_closed):
        make()
    with serve(stage, tmp_path) as running:
        yield running


def described(site: Site) -> OpenApiSchema:
    return schemathesis.openapi.from_dict(site.client().get("/api/openapi.json").json())


def test_nothing_that_fits_the_description_breaks_the_server(site: Site) -> None:
    """The real codes of the stage stand in the paths half of the time, so that more than 404 is tried."""
    client = site.api("office-head")
    codes = [str(row.code) for row in site.stage.all("select code from cases")]
    broken: dict[str, str] = {}
    statuses: Counter[int] = Counter()

    def try_all(operation: APIOperation) -> None:
        @FEW
        @given(case=operation.as_strategy(), code=some.sampled_from(codes), real=some.booleans())
        def try_it(case: schemathesis.Case, code: str, real: bool) -> None:
            if real and "code" in case.path_parameters:
                case.path_parameters["code"] = code
            answer = case.call(session=None, base_url=site.base, headers=dict(client.headers))
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                broken[operation.label] = f"{answer.status_code} {answer.request.url} {answer.request.body!r}"

        try_it()

    for found in described(site).get_all_operations():
        if found.ok().label != SIGNS_OUT:
            try_all(found.ok())
    assert broken == {}
    assert statuses[200] > 50, statuses


def test_what_the_api_refuses_it_refuses_in_the_words_of_rfc_9457(site: Site) -> None:
    client: httpx.Client = site.api("office-head")
    for path in ("/hazards/nothing", "/hazards?limit=x", "/hazards?cursor=x"):
        answer = client.get(f"/api/v1{path}")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].endswith("。")
