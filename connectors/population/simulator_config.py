"""Everything about the simulated population registry that can be chosen; where the contract is not known, both behaviours.

Marks in the descriptions: [read] seen in public traces of the real registry, [known] unverified background knowledge,
[unknown] not public at all: the value is this simulator's own choice. Section numbers are those of the wire contract.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from connectors.population.simulator_invented import AddressLevels
from connectors.population.simulator_people import BirthMatch, NameMatch, SimulatedPerson
from hub.testing import SimulatorConfig

_PATH = re.compile(r"(/[A-Za-z0-9._~:-]+)+")


class LgspChoices(SimulatorConfig):
    """The province's LGSP in front of the registry (4.1, 6)."""

    lgsp_path: str = Field(default="/lgsp/dancu", description="Where the JSON facade is called [unknown].")
    token_path: str = Field(default="/token", description="Where its tokens are issued; /token is WSO2's [read].")
    token_by: Literal["basic", "lgspaccesstoken", "either"] = Field(
        default="either",
        description="What a token is asked for with: Basic consumerKey:consumerSecret (WSO2) or the lgspaccesstoken header"
        " (HCM style); both are [read], in different code bases.",
    )
    token_seconds: float | None = Field(
        default=3600.0, gt=0, description="Life of a token in seconds; null: no limit [unknown]."
    )
    consumer_key: str = Field(default="simulated", description="WSO2 consumerKey.")
    consumer_secret: str = Field(default="simulated", description="WSO2 consumerSecret; a simulated one.")
    lgsp_access_key: str = Field(default="simulated", description="AccessKey in lgspaccesstoken.")
    lgsp_secret_key: str = Field(default="simulated", description="SecretKey in lgspaccesstoken; a simulated one.")
    lgsp_app_name: str = Field(default="simulated", description="AppName in lgspaccesstoken.")
    lgsp_partner_code: str = Field(default="simulated", description="PartnerCode in lgspaccesstoken.")
    lgsp_partner_code_cus: str = Field(default="simulated", description="PartnerCodeCus in lgspaccesstoken.")
    officer_keys: dict[str, str] = Field(
        default_factory=lambda: {"simulated": "simulated"}, description="keyName: keyPass pairs that AuthHash may carry."
    )
    check_access_token: bool = Field(default=True, description="Whether the bearer token must be one that is in force.")
    check_lgsp_access_token: bool = Field(default=True, description="Whether lgspAccessToken must carry the five values.")
    check_auth_hash: bool = Field(default=True, description="Whether AuthHash must be base64(keyName:keyPass) of an officer.")
    lgsp_tokens_in: Literal["body", "header", "either"] = Field(
        default="body",
        description="Both tokens stand in the JSON body as accessToken and lgspAccessToken [read: 4.1], or in the headers"
        " Authorization and lgspaccesstoken [read: 6]. AuthHash always stands in the body.",
    )
    lgsp_refusal: Literal["body", "http_401"] = Field(
        default="body", description="A refused token is told in the envelope with status 200, or as 401 [known: both]."
    )
    lgsp_refusal_code: int | str = Field(default=-1, description="error_code of a refused token [unknown].")
    lgsp_fault: Literal["envelope", "error_code"] = Field(
        default="envelope",
        description="A fault of the registry comes through as its envelope with error_code 0, or is turned into an"
        " error_code with its words [unknown: both].",
    )
    lgsp_fault_code: int | str = Field(default=-3, description="error_code for lgsp_fault: error_code [unknown].")
    error_code_form: Literal["number", "string"] = Field(
        default="number", description='Success is 0 or "0" [read: both, for sister services].'
    )

    @property
    def lgsp_credentials(self) -> dict[str, str]:
        """What lgspaccesstoken must carry."""
        return {
            "AccessKey": self.lgsp_access_key,
            "SecretKey": self.lgsp_secret_key,
            "AppName": self.lgsp_app_name,
            "PartnerCode": self.lgsp_partner_code,
            "PartnerCodeCus": self.lgsp_partner_code_cus,
        }


class PopulationSimulatorConfig(LgspChoices):
    """The simulated registry's contract. Every choice marked [known] or [unknown] must be confirmed with the agency."""

    # where, and what the WSDL says of it
    path: str = Field(default="/dancu", description="Where SOAP is posted, and GET with ?wsdl answers the WSDL [unknown].")
    address: str | None = Field(
        default=None, description="The address in the WSDL; null: under the host and port that the WSDL was asked from."
    )

    # who may call (4.1)
    username: str = Field(default="simulated", description="Account on the data sharing platform (NDXP).")
    secret_key: str = Field(default="simulated", description="Its secretKey; a simulated one.")
    auth_url: str = Field(
        default="http://ndxp.invalid/auth", description="auth_url, the first piece of the hashed text [read]."
    )
    x_road_client: str = Field(
        default="VN/GOV/000.00.00.H22/simulated", description="What X-Road-Client must be, whole [read]."
    )
    api_key: str = Field(default="simulated", description="What ApiKey must be; a simulated one.")
    timestamp_unit: Literal["milliseconds", "seconds"] = Field(
        default="milliseconds", description="Timestamp counts milliseconds [read: C06-037] or seconds [read: VNPT-PHP]."
    )
    timestamp_skew: float | None = Field(
        default=300.0, ge=0, description="Seconds by which Timestamp may differ from now; null: any [unknown]."
    )
    check_timestamp: bool = Field(default=True, description="Whether Timestamp is checked (it is hashed in any case).")
    check_authorization: bool = Field(default=True, description="Whether Authorization is checked.")
    check_x_road_client: bool = Field(default=True, description="Whether X-Road-Client is checked.")
    check_api_key: bool = Field(default=True, description="Whether ApiKey is checked.")
    soap_action: Literal["empty", "any"] = Field(
        default="empty", description='The SOAPAction header must be there and be "" [read], or is not looked at.'
    )
    content_types: tuple[str, ...] = Field(
        default=("application/xml", "text/xml"), description="Content types of a question [read: both]; another gets 415."
    )
    header_refusal: Literal["http", "fault"] = Field(
        default="http", description="A refused header is told as 401, 403, 400 or 415, or as a SOAP fault [unknown: both]."
    )

    # what may be asked (4.2)
    later_fields: Literal["required", "optional"] = Field(
        default="required", description='MaDonVi, TaiKhoan and SoDienThoai ("y" in 4.2, 2025-26 client) must be there [read].'
    )
    lookup_codes: tuple[str, ...] = Field(
        default=("037",), description="MaTichHop of a look-up [read]; none: any that is not empty."
    )
    verify_codes: tuple[str, ...] = Field(
        default=("003",), description="MaTichHop of a verification; 003 was seen once [read]; none: any that is not empty."
    )
    procedures: tuple[str, ...] = Field(
        default=(), description="MaDVC that this account may ask for; none: any. National codes and VPCP were seen [read]."
    )
    officers: tuple[str, ...] = Field(default=(), description="MaCanBo that may ask; none: any [unknown: both].")
    officer_form: Literal["any", "citizen_number"] = Field(
        default="any", description="MaCanBo is any text, or the officer's own 12 digits [read: 2026 client]."
    )
    repeated_request: Literal["accept", "refuse"] = Field(
        default="accept", description="A MaYeuCau that was answered before is answered again or refused [unknown: both]."
    )
    bad_values: Literal["fault", "not_found"] = Field(
        default="fault",
        description="A number without 12 (or 9) digits, a date that is none: a fault, or simply nobody [unknown: both].",
    )
    name_match: NameMatch = Field(
        default="exact",
        description="HoVaTen must be the upper case name with diacritics [read: C06-037] (exact), the one stripped of"
        " diacritics and blanks [read: OpenCPS, TD] (stripped), or either (lenient).",
    )
    birth_match: BirthMatch = Field(
        default="as_known",
        description="NgayThangNamSinh must be what the registry has: the date, or Nam where day or month are unknown"
        " (as_known); or need only agree with it as far as both go (as_far_as_known) [unknown: both].",
    )

    # what is answered (4.3)
    full_name: Literal["ten", "split"] = Field(
        default="ten", description="The whole name in Ten with Ho and ChuDem empty [read: live data], or split over the three."
    )
    name_case: Literal["as_kept", "upper"] = Field(
        default="as_kept", description="Names in the answer in usual case or upper case [unknown: both]."
    )
    birth_answer: Literal["one", "both"] = Field(
        default="one", description="A full birth date is NgayThangNam alone, or Nam as well [unknown: both]."
    )
    unknown_parts: Literal["year", "zeros"] = Field(
        default="year",
        description="A birth without month or day is Nam, or NgayThangNam with zeros (19900000) [unknown: both].",
    )
    absent: Literal["omitted", "empty"] = Field(
        default="omitted", description="What the registry does not know is left out or an empty element [unknown: both]."
    )
    collection_attributes: bool = Field(
        default=True, description="Whether CongdanCollection carries SoCongDan, GhiChu, ThoiDiemDuLieu, id [read: ANHNBT]."
    )
    data_time: Literal["offset", "local"] = Field(
        default="offset", description="ThoiDiemDuLieu with +07:00 or without a zone [unknown: both]."
    )
    verify_namespace: Literal["answer", "question"] = Field(
        default="answer",
        description="KetQuaXacThuc is in http://www.mic.gov.vn/dancu/1.0 like the other answer, or in"
        " http://dancuquocgia.bca like the question [unknown: both].",
    )
    boolean_form: Literal["words", "digits"] = Field(
        default="words", description="TonTai is true or false, or 1 or 0; XML Schema allows both [known]."
    )
    answer_type: Literal["text/xml", "application/xml"] = Field(
        default="text/xml", description="Content type of answers: SOAP 1.1's, or the one of the questions [known: both]."
    )
    fault_status: Literal[500, 200] = Field(
        default=500, description="HTTP status of a fault: 500 is SOAP 1.1's, 200 happens [known: both]."
    )
    quote_values: bool = Field(
        default=False, description="Whether faults quote the offending value, personal data included [unknown: both]."
    )

    # who is in the registry
    seed: int = Field(default=1, description="Which people are invented: the same ones for the same seed.")
    people: int = Field(default=200, ge=0, le=20_000, description="How many people are invented.")
    address_levels: AddressLevels = Field(
        default="two", description="Invented addresses without district (since 1 July 2025), with one, or mixed."
    )
    known_people: tuple[SimulatedPerson, ...] = Field(
        default=(), description="People that stand in the registry before the invented ones; numbers may be given twice."
    )

    @model_validator(mode="after")
    def _paths_can_be_told_apart(self) -> PopulationSimulatorConfig:
        paths = (self.path, self.lgsp_path, self.token_path)
        if not all(_PATH.fullmatch(path) and not path.startswith("/_control") for path in paths):
            raise ValueError("path, lgsp_path and token_path are paths such as /dancu, and not below /_control")
        if len(set(paths)) < len(paths):
            raise ValueError("path, lgsp_path and token_path differ from each other")
        return self
