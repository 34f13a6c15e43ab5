"""The national population registry (C06): look-ups and verifications of citizens, directly or through a province's LGSP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from connectors.population.access import Direct, Lgsp, beside, element_of, refused
from connectors.population.config import PopulationConfig
from connectors.population.messages import citizen, exists, question
from hub.connector import Connector, ConnectorContext
from hub.message import Message
from hub.wire import HttpEndpoint
from hub.wire.wsdl import Operation, load_wsdl
from hub.wire.xml_form import XmlForm

T = TypeVar("T")
LOOK_UP, VERIFY = "TraCuuThongTinCongDan", "XacThucThongTinCongDan"


class Population(Connector[PopulationConfig]):
    """Asks the national population registry (C06) about citizens.

    ``c06-citizen-query@1`` is asked, ``c06-citizen@1`` answered. A look-up is TraCuuThongTinCongDan, a verification
    XacThucThongTinCongDan; neither changes anything there, so that no failure is ever in doubt.

    Either ``direct``: SOAP to the data sharing platform (NDXP), each question signed with the account's key and the time; or
    ``lgsp``: the same SOAP in JSON through the province's platform, with a token that is renewed once for all who ask.

    An empty collection is None: nobody found. Several citizens are Rejected ``ambiguous``, a record with a value that cannot be
    told is Rejected ``unreadable_record``: nothing is chosen or completed. No words of the registry are kept in an error, only
    codes and places.

    Source of the protocol: contracts.md section 4; what is open there is configuration (see README.md).
    """

    Config = PopulationConfig
    queries: ClassVar[str] = "c06-citizen-query@1"
    answers: ClassVar[str] = "c06-citizen@1"

    def __init__(self, config: PopulationConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = HttpEndpoint(config, context.clock)
        self._operations: dict[str, Operation] = {}
        if config.through == "lgsp" and config.lgsp is not None:
            self._way: Direct | Lgsp = Lgsp(config, config.lgsp, self._http, context.clock)
        elif config.direct is not None:
            self._way = Direct(config, config.direct, self._http, context.clock)

    async def open(self) -> None:
        """Read the registry's messages and prepare connections. Raises BadConfig for certificates that cannot be used."""
        wsdl = load_wsdl(Path(__file__).with_name("registry.wsdl"))
        self._operations = {one.name: one for one in wsdl.operations()}
        await self._http.open()

    async def close(self) -> None:
        """Forget the token and close connections."""
        if isinstance(self._way, Lgsp):
            await self._way.sign_in.close()
        await self._http.close()

    async def check(self) -> None:
        """A new token from the LGSP; else GET of the WSDL (``check_url``). Nobody is asked about: questions are on record."""
        config = self.config
        if isinstance(self._way, Lgsp) and self._way.signs_in:
            await self._way.new_token()
            return
        url = config.check_url or f"{config.url}{'&' if '?' in config.url else '?'}wsdl"
        headers = self._way.headers() if isinstance(self._way, Direct) else {}
        answer = await self._http.call("GET", url, effect=False, headers=headers)
        if not 200 <= answer.status < 300:
            raise refused(answer.status)

    async def request(self, query: Message) -> dict[str, Any] | None:
        """The citizen whom the question fits, None when the registry knows none."""
        return await self._ask(LOOK_UP, self.config.lookup_code, query, citizen)

    async def confirm(self, query: Message) -> bool:
        """Whether the registry knows a citizen whom the question fits (TonTai)."""
        return await self._ask(VERIFY, self.config.confirm_code, query, exists)

    async def _ask(self, name: str, code: str, query: Message, read: Callable[[Any, XmlForm], T]) -> T:
        """What ``read`` makes of the element in the answer's Body."""
        operation = self._operations[name]
        form = operation.output
        assert form is not None
        envelope = question(query, operation, code, self.config, self.context.clock)
        answer = await self._way.ask(envelope, query.body["MaCanBo"], query.traceparent)
        return await beside(answer, lambda: read(element_of(answer, self.config), form))
