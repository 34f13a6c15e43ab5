"""Says in Vietnamese why something was kept, failed or is in doubt: the hub's own sentences, with their fields and values.

What a partner said is its own text and stays as it is.
"""

from __future__ import annotations

import re

_KINDS = {
    "text": "văn bản", "an integer": "số nguyên", "a number": "số", "a list": "danh sách", "an object": "đối tượng",
    "true or false": "true hoặc false", "nothing": "rỗng", "null": "rỗng",
}  # fmt: skip
_SENTENCES: tuple[tuple[str, str], ...] = (
    # not_in_table, table_not_fetched, missing
    (r"the codes? \(?([^()]*?)\)? ha(?:s|ve) no row in the table (\S+)", "mã ({}) không có dòng nào trong bảng mã {}"),
    (r"the codes? \(?([^()]*?)\)? had no row in the table (\S+) on that day, only on ([^;]+)",
     "vào ngày đó mã ({}) không có dòng nào trong bảng mã {}, chỉ vào {}"),
    (r"the table is asked for a day, and (\S+) has none", "bảng mã cần một ngày, trường {} không có"),
    (r"the table is asked for a day, and (\S+) is none", "bảng mã cần một ngày, trường {} không phải ngày có thật"),
    (r"the table (\S+) has not been fetched yet", "chưa tải bảng mã {}"),
    (r"the source has no value for it", "nguồn không có giá trị cho trường này"),
    (r"is required but absent", "bắt buộc phải có nhưng đang thiếu"),
    # bad_value, bad_date, mistyped
    (r"a code must be text, not (.+)", "mã phải là văn bản, không phải {}"),
    (r"must be a list, not (.+)", "phải là danh sách, không phải {}"),
    (r"must be text here, not (.+)", "phải là văn bản, không phải {}"),
    (r"(.+) cannot become text", "{} không chuyển được thành văn bản"),
    (r"is not an integer", "không phải số nguyên"),
    (r"is not a decimal number .*", "không phải số thập phân (chữ số, một dấu chấm, tối đa 15 chữ số)"),
    (r"is none of true, false, 1, 0", "không phải một trong true, false, 1, 0"),
    (r"must be a real time with an offset .*", "phải là thời điểm có thật, kèm múi giờ, ví dụ 2026-11-21T08:00:00+07:00"),
    (r"must be a real date, .*", "phải là ngày có thật, ví dụ 2026-11-21"),
    (r"is not a real time with an offset .*", "không phải thời điểm có thật kèm múi giờ"),
    (r"is neither an integer nor a time with an offset .*", "không phải số nguyên, cũng không phải thời điểm kèm múi giờ"),
    (r"is not a real date of which (.+) is known, such as (\S+)", "không phải ngày có thật biết đến {}, ví dụ {}"),
    (r"is not base64 of text in UTF-8", "không phải base64 của văn bản UTF-8"),
    (r"has characters that UTF-8 cannot hold", "có ký tự không ghi được bằng UTF-8"),
    (r"is not a real date of the form (.+)", "không phải ngày có thật theo dạng {}"),
    (r"must be of format (.+)", "phải theo định dạng {}"),
    (r"must be (text|an? \w+|true or false|null)", "phải là {}"),
    (r"must be (text|an? \w+|true or false) or null", "phải là {} hoặc rỗng"),
    # too_long, too_short, too_many, too_few, out_of_range
    (r"is longer than (\d+) characters", "dài hơn {} ký tự"),
    (r"is shorter than (\d+) characters", "ngắn hơn {} ký tự"),
    (r"has more than (\d+) (?:items|fields)", "có nhiều hơn {} phần tử"),
    (r"has fewer than (\d+) (?:items|fields)", "có ít hơn {} phần tử"),
    (r"is more than (\S+)", "lớn hơn {}"),
    (r"is less than (\S+)", "nhỏ hơn {}"),
    (r"must be less than (\S+)", "phải nhỏ hơn {}"),
    (r"must be more than (\S+)", "phải lớn hơn {}"),
    # pattern, enum and the rest of a schema's rules
    (r"does not match the pattern (.+)", "không khớp mẫu {}"),
    (r"is not of the form that is asked for: (.+)", "không đúng dạng yêu cầu: {}"),
    (r"is none of the allowed values", "không thuộc các giá trị cho phép"),
    (r"is not a field of the schema", "không phải trường của lược đồ"),
    (r"is not allowed here", "không được phép ở đây"),
    (r"fits none of the forms the schema allows", "không khớp dạng nào mà lược đồ cho phép"),
    (r"breaks the rule (\S+)", "vi phạm quy tắc {}"),
    # behind_kept, alias_conflict, route_gone, nothing_to_send
    (r"an earlier arrival of this dossier is kept: (\S+)", "một thông điệp trước của hồ sơ này đang được giữ lại: {}"),
    (r"its names belong to two different dossiers", "các mã của nó thuộc hai hồ sơ khác nhau"),
    (r"route (\S+) is not configured any more: put it back, or discard the delivery",
     "tuyến {} không còn trong cấu hình: khai báo lại, hoặc loại bỏ lần giao này"),
    (r"the mapping to (\S+) has nothing to send for this message", "ánh xạ sang {} không có gì để gửi cho thông điệp này"),
    # of the SOAP connector: outcome_unknown, empty_answer, unreadable_answer, soap_version, mtom, http_…, misfit
    (r"the answer was read, but no row of outcomes says what it means",
     "đã đọc được câu trả lời, nhưng không dòng nào của outcomes nói nghĩa của nó"),
    (r"whether a row fits cannot be told", "không xác định được có dòng nào của outcomes khớp hay không"),
    (r"(/\S*) is absent", "{} không có giá trị"),
    (r"(/\S*) is there", "{} có nội dung"),
    (r"(/\S*) is ([^:]+)", "{} là {}"),
    (r"it has (/.+)", "câu trả lời có {}"),
    (r"the WSDL does not know (/.+) of the answer", "WSDL không có {} của câu trả lời"),
    (r"write a row under outcomes", "hãy viết một dòng dưới outcomes"),
    (r"compare the answer with the WSDL: names, namespaces", "hãy so câu trả lời với WSDL: tên, không gian tên"),
    (r"HTTP (\d+) without an answer, where the WSDL says one", "HTTP {} không kèm câu trả lời, trong khi WSDL quy định là có"),
    (r"HTTP (\d+), with an answer that is no fault", "HTTP {}, kèm một câu trả lời không phải là lỗi (fault)"),
    (r"HTTP (\d+) does not say whether it was done", "HTTP {} không cho biết yêu cầu đã được thực hiện chưa"),
    (r"HTTP (\d+)(?:, no known type)?: .+ \((\w+)(?: at \S+)?\)", "HTTP {}: không đọc được câu trả lời ({})"),
    (r"HTTP (\d+), (\S+): .+ \((\w+)(?: at \S+)?\)", "HTTP {}, {}: không đọc được câu trả lời ({})"),
    (r"HTTP (\d+), but no (?:SOAP envelope with an answer in it|JSON object with an error_code)",
     "HTTP {}, nhưng không có câu trả lời đọc được"),
    (r"the body holds (\S+), where the WSDL says (\S+)", "câu trả lời chứa {}, trong khi WSDL quy định {}"),
    (r"the answer is SOAP (\S+), the port of the WSDL is (\S+)", "câu trả lời là SOAP {}, cổng trong WSDL là {}"),
    (r"the answer (?:has attachments|refers to an attachment) \(.+\), which (?:are|is) not read",
     "câu trả lời có tệp đính kèm, trục không đọc"),
    (r"the answer is larger than (\d+) bytes", "câu trả lời lớn hơn {} byte"),
    (r"the (?:partner|platform) refuse[sd] (?:our account or our rights|the account of the endpoint, its key, .+)",
     "đối tác từ chối tài khoản hoặc quyền của trục"),
    (r"the (?:partner|platform|adapter) refused the request without a (?:SOAP fault|readable reason)",
     "đối tác từ chối yêu cầu mà không nêu lý do đọc được"),
    (r"the (?:partner|platform|adapter) refused the call: .+|the call was refused: .+",
     "cuộc gọi bị từ chối: sai địa chỉ, quyền hoặc cấu hình của điểm nhận"),
    (r"the (?:partner|registry or the platform|portal or its adapter) failed while it had the (?:request|question)",
     "đối tác gặp lỗi trong khi đang giữ yêu cầu"),
    (r"the message is no input of (\S+)", "thông điệp không đúng đầu vào của thao tác {}"),
    (r"no operation takes it", "không có thao tác nào nhận thông điệp này"),
    (r"name it under operations, or mend the route", "khai báo nó dưới operations, hoặc sửa tuyến"),
    (r"the partner holds this already, the ledger shows no send of ours: adopt or hold it",
     "đối tác đã có hồ sơ này, sổ của trục không ghi lần gửi nào: nhận là của mình hoặc giữ lại"),
    (r"the partner says it holds this, but no earlier try got there: is it an older state\?",
     "đối tác nói đã có, nhưng chưa lần gửi nào của trục tới nơi: có phải là trạng thái cũ hơn không?"),
    # of the population connector
    (r"the platform refused the question; its words are not kept",
     "nền tảng từ chối câu hỏi; lời của nền tảng không được lưu"),
    (r"the registry answered with a fault; its words are not kept, they may quote a person",
     "cơ sở dữ liệu báo lỗi; lời của nó không được lưu vì có thể chứa thông tin cá nhân"),
    (r"the question fits (\d+) citizens", "có {} công dân khớp với câu hỏi"),
    (r"the LGSP gave no token \(HTTP (\d+)\)", "LGSP không cấp token (HTTP {})"),
    (r"the LGSP refused the token.*", "LGSP từ chối token"),
    # applicant_not_found, applicant_mismatch, verification_refused, verification_unreadable
    (r"(\S+) knows no person with the owner's number and name", "{} không có ai có số định danh và họ tên của chủ hồ sơ"),
    (r"(\S+) knows no person with the owner's number and name and the birth year taken from the number",
     "{} không có ai có số định danh, họ tên của chủ hồ sơ và năm sinh lấy từ số định danh"),
    (r"(\S+) knows another person by the owner's number", "theo {}, số định danh của chủ hồ sơ là của người khác"),
    (r"(\S+) knows another person by the owner's number, or one who was not born in the year taken from the number",
     "theo {}, số định danh của chủ hồ sơ là của người khác, hoặc người đó không sinh vào năm lấy từ số định danh"),
    (r"(\S+) cannot be asked about the owner: look at (.+)", "không hỏi được {} về chủ hồ sơ: xem {}"),
    (r"(\S+) cannot be asked any more: see `hub check`, restart",
     "{} không còn hỏi được: xem `hub check`, khởi động lại trục"),
    (r"(\S+) refused the question \((.+)\)", "{} từ chối tra cứu ({})"),
    (r"the answer of (\S+) cannot be translated", "không chuyển đổi được trả lời của {}"),
    (r"(\S+) did not answer \((.+)\)", "{} không trả lời ({})"),
    (r"(\S+) is paused", "{} đang tạm dừng"),
    (r"(\S+) rests before it is asked again", "{} được hỏi lại sau một lúc"),
    # file_refused, file_waits
    (r"the file is larger than (\d+) bytes", "tệp lớn hơn {} byte"),
    (r"its first bytes are those of (.+), which is not taken", "nội dung tệp là {}, loại này không được nhận"),
    (r"it is said to be (\S+|another type), and its first bytes are those of (\S+)",
     "tệp được khai là {}, nhưng nội dung là {}"),
    (r"the file has no content", "tệp rỗng"),
    (r"it is stated to have the SHA-256 (\w+…), and has (\w+…)", "tệp được khai có mã băm SHA-256 {}, nhưng thực tế là {}"),
    (r"it is stated to have the SHA-256 (\w+…), and the claim in its url is that of (\w+…)",
     "tệp được khai có mã băm SHA-256 {}, nhưng tên ni:/// trong địa chỉ là của {}"),
    (r"it is stated to have (\d+) bytes, and has more", "tệp được khai có {} byte, nhưng thực tế lớn hơn"),
    (r"it is stated to have (\d+) bytes, and has (\d+)", "tệp được khai có {} byte, nhưng thực tế là {}"),
    (r"it is stated to have (\d+) bytes, more than the (\d+) that are taken",
     "tệp được khai có {} byte, vượt mức {} byte mà trục nhận"),
    (r"its url leads to a private or local address, which is not asked", "địa chỉ dẫn vào mạng nội bộ, trục không tải từ đó"),
    (r"its url is no address that begins with (.+)", "không phải địa chỉ bắt đầu bằng {}"),
    (r"its url names a host that is not among files\.fetch\.hosts", "máy chủ không có trong files.fetch.hosts"),
    (r"its host does not have it \((\d+)\)", "máy chủ không có tệp này ({})"),
    (r"its host does not give it \((\d+)\)", "máy chủ không cho tải tệp này ({})"),
    (r"its url names a host that nobody can have", "tên máy chủ trong địa chỉ không hợp lệ"),
    (r"its host does not say where it ends, so that half of it would pass",
     "máy chủ không cho biết độ dài tệp, nên không biết đã tải đủ hay chưa"),
    (r"its host gives it packed, though not asked to", "máy chủ trả về bản nén dù không được yêu cầu"),
    (r"its host redirects (?:too often|to what is no address)", "máy chủ chuyển hướng sai hoặc quá nhiều lần"),
    (r"its url is no claim, and the hub fetches nothing", "không phải tên tệp ni:///, và trục không được cấu hình để tải tệp"),
    (r"the hub does not hold the file of its claim, whole", "trục không giữ đủ tệp mang tên này"),
    (r"the name (\S+) does not resolve", "không tìm thấy địa chỉ của {}"),
    (r"(\S+) shows no certificate that can be trusted", "chứng thư của {} không tin cậy được"),
    (r"(\S+) broke off before the file was whole", "{} ngắt kết nối trước khi gửi đủ tệp"),
    (r"(\S+) does not answer in time", "{} không trả lời kịp"),
    (r"(\S+) does not answer \((\w+)\)", "{} không trả lời ({})"),
    (r"(\S+) answers (\d{3})", "{} trả lời {}"),
    (r"its host did not answer, and is asked again later", "máy chủ không trả lời, trục sẽ hỏi lại sau"),
    # deadline, refused, no_connection, read_timeout, reset, in_doubt
    (r"no answer within (\S+) s", "không có trả lời trong {} giây"),
    (r"no connection to the partner \((.+)\)", "không kết nối được tới đối tác ({})"),
    (r"the request was sent, no answer came in time \((.+)\)", "đã gửi yêu cầu, không có trả lời kịp thời ({})"),
    (r"the request was sent, the answer broke off or is not HTTP \((.+)\)", "đã gửi yêu cầu, trả lời bị ngắt hoặc hỏng ({})"),
    (r"the connection broke after the request began to be sent \((.+)\)", "mất kết nối khi đang gửi yêu cầu ({})"),
    (r"the partner asked to come back later", "đối tác hẹn gửi lại sau"),
    # account, sign_in
    (r"the partner refused (?:a second token within one call|the account of the endpoint) \(HTTP (\d+)\): see account",
     "đối tác từ chối tài khoản của trục (HTTP {}): xem account"),
    (r"the account was refused where a token is asked for \(HTTP (\d+)\)", "nơi cấp token từ chối tài khoản (HTTP {})"),
    (r"no token came where one is asked for \(HTTP (\d+), nothing that is a token at (\S+)\)",
     "nơi cấp token không trả token (HTTP {}, không có ở {})"),
    (r"what was to be sent could not be read \((.+)\)", "không đọc được nội dung cần gửi ({})"),
    # X-Road
    (r"(?:our|the provider's) security server refused the call: see client, service and (?:certificate|rights) under reached",
     "máy chủ bảo mật X-Road từ chối: xem client, service, chứng thư và quyền trong reached"),
    (r"our security server took the request for no message \(its words are not kept\)",
     "máy chủ bảo mật X-Road không nhận thông điệp này"),
    (r"(?:our|the provider's) security server (?:could not pass the call on|had no connection to the next one)",
     "máy chủ bảo mật X-Road không chuyển tiếp được"),
    (r"(?:X-Road|(?:our|the provider's) security server) failed while it had the request \(its words are not kept\)",
     "X-Road gặp lỗi khi đang giữ yêu cầu"),
    (r"the answer carries the X-Road(?:-Id| id) of another call", "câu trả lời mang X-Road-Id của lần gọi khác"),
    (r"the answer's (?:X-Road-Request-Hash|requestHash) is not that of our request(?: \(see check_request_hash\))?",
     "mã băm yêu cầu trong câu trả lời không khớp yêu cầu đã gửi"),
    (r"the partner cannot be asked whether it took effect; the route says hold",
     "không hỏi được đối tác đã nhận chưa; tuyến quy định giữ lại (in_doubt: hold)"),
    (r"still in doubt after (\d+) counted tries", "vẫn chưa rõ kết quả sau {} lần thử"),
    (r"the portal holds this dossier, the ledger shows no send of ours: adopt or hold it",
     "cổng đã có hồ sơ này, sổ của trục không ghi lần gửi nào: nhận là của mình hoặc giữ lại"),
)  # fmt: skip
_KNOWN = tuple((re.compile(pattern), words) for pattern, words in _SENTENCES)
_TRIES = re.compile(r"(.*) \(after (\d+) counted tries\)")
_NO_INPUT = re.compile(r"(the message is no input of \S+): (.*)")
_GIVEN = re.compile(r"(.*) \(given: ([^()]*)\)")
_OF_SCHEMA = re.compile(r"(.*) \(schema (\S+)\)")
_AT = re.compile(r"([^\s:]+|\(whole\)): (.*)|: (.*)")


def vietnamese(reason: str) -> str | None:
    """The reason in Vietnamese; None when it is not one of the hub's own sentences. Several are parted by ``; ``."""
    parts = [_sentence(part) for part in reason.split("; ")]
    whole = None if all(parts) else _sentence(reason)  # a sentence of the hub's may have a ; itself
    if whole is not None or not any(parts):
        return whole
    return "; ".join(said or part for said, part in zip(parts, reason.split("; "), strict=True))


def _sentence(text: str) -> str | None:
    """One sentence, with the field it is about in front and what follows it in brackets."""
    if tries := _TRIES.fullmatch(text):
        said = _sentence(tries[1])
        return said and f"{said} (sau {tries[2]} lần thử)"
    if given := _GIVEN.fullmatch(text):
        said = _sentence(given[1])
        return said and f"{said} (giá trị có dạng: {_KINDS.get(given[2], given[2])})"
    if of_schema := _OF_SCHEMA.fullmatch(text):
        said = _sentence(of_schema[1])
        return said and f"{said} (lược đồ {of_schema[2]})"
    if no_input := _NO_INPUT.fullmatch(text):
        return f"{_sentence(no_input[1])}: {_sentence(no_input[2]) or no_input[2]}"
    for pattern, words in _KNOWN:
        if found := pattern.fullmatch(text):
            return words.format(*(_KINDS.get(value, value) for value in found.groups()))
    if placed := _AT.fullmatch(text):
        said = _sentence(placed[2] or placed[3] or "")
        at = "" if placed[1] in (None, "(whole)") else f"{placed[1]}: "
        return said and f"{at}{said}"
    return None
