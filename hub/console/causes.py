"""The codes of what stopped, in words: those that the hub gives, and the connectors that come with it; Vietnamese and English.

A partner's own codes are not here: they are known as refusals only.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, tuple[str, str]] = {
    # the hub's own
    "code_translation": ("không chuyển đổi được sang dạng của đối tác", "cannot be translated for the partner"),
    "code_translation_broke": ("bộ chuyển đổi gặp lỗi", "the translation itself broke"),
    "code_route_gone": ("tuyến không còn trong cấu hình", "its route is not configured any more"),
    "code_exists": ("đối tác đã có hồ sơ này", "the partner holds it already"),
    "code_in_doubt": ("không rõ đối tác đã nhận chưa", "nobody knows whether the partner took it"),
    "code_applicant_not_found": ("không tìm thấy chủ hồ sơ trong cơ sở dữ liệu", "the registry does not know the owner"),
    "code_applicant_mismatch": ("chủ hồ sơ không khớp với cơ sở dữ liệu", "the registry knows another person by that number"),
    "code_verification_unreachable": (
        "chưa hỏi được cơ sở dữ liệu về chủ hồ sơ",
        "the registry cannot be asked about the owner",
    ),
    "code_verification_paused": ("cơ sở dữ liệu đang tạm dừng", "the registry is paused"),
    "code_verification_waits": ("chờ hỏi lại cơ sở dữ liệu", "waits to ask the registry again"),
    "code_verification_refused": ("cơ sở dữ liệu từ chối tra cứu", "the registry refused the question about the owner"),
    "code_verification_unreadable": ("không đọc được trả lời của cơ sở dữ liệu", "the registry's answer cannot be translated"),
    "code_not_in_table": ("mã không có trong bảng mã", "a code is not in its code table"),
    "code_no_mapping": ("chưa có ánh xạ cho phiên bản lược đồ này", "no mapping takes this version of its schema"),
    "code_table_not_fetched": ("chưa tải bảng mã", "a code table was not fetched yet"),
    "code_alias_conflict": ("mã thuộc hai hồ sơ khác nhau", "its names belong to two dossiers"),
    "code_behind_kept": ("chờ sau một thông điệp giữ lại", "waits behind a kept arrival"),
    "code_missing": ("thiếu giá trị bắt buộc", "a value that must be there is missing"),
    "code_deadline": ("đối tác không trả lời kịp", "the partner did not answer in time"),
    "code_read_timeout": ("đối tác không trả lời kịp", "the partner did not answer in time"),
    "code_reset": ("mất kết nối khi đang gửi", "the connection broke while sending"),
    "code_half_answer": ("trả lời bị ngắt giữa chừng", "the answer broke off"),
    "code_hub_stopped": ("trục dừng khi đang gửi", "the hub stopped while sending"),
    "code_refused": ("đối tác không mở cổng kết nối", "the partner's port is closed"),
    "code_no_connection": ("không kết nối được tới đối tác", "no connection to the partner"),
    "code_connect_timeout": ("không kết nối được tới đối tác", "no connection to the partner"),
    "code_dns": ("không tìm thấy địa chỉ của đối tác", "the partner's address is not found"),
    "code_tls": ("kết nối bảo mật (TLS) không thành", "no secure connection (TLS)"),
    "code_sign_in": ("đối tác từ chối đăng nhập", "the partner refused the sign-in"),
    "code_account": ("đối tác từ chối tài khoản của trục", "the partner refused the hub's account"),
    "code_body_broke_off": ("không đọc hết được nội dung cần gửi", "what was to be sent could not be read to its end"),
    "code_x_road_id": ("X-Road trả lời cho yêu cầu khác", "the answer is to another call (X-Road-Id)"),
    "code_x_road_request_hash": ("X-Road trả lời cho yêu cầu khác", "the answer is to another request (X-Road-Request-Hash)"),
    "code_no_check": ("chưa khai báo cách kiểm tra kết nối (check)", "its settings do not say how to check it (check)"),
    "code_connector_error": ("bộ kết nối gặp lỗi", "the connector itself broke"),
    "code_applicant_not_askable": (
        "cơ sở dữ liệu không nhận câu hỏi về chủ hồ sơ này",
        "the registry cannot be asked about this owner",
    ),
    "code_verification_gone": ("cơ sở dữ liệu không còn trong cấu hình", "the registry is not configured any more"),
    "code_verification_broke": ("bước tra cứu chủ hồ sơ gặp lỗi", "the question about the owner broke in the hub"),
    "code_file_refused": ("tệp của hồ sơ không dùng được", "a file of the dossier cannot be used"),
    "code_file_waits": ("chưa tải được tệp của hồ sơ", "a file of the dossier cannot be fetched yet"),
    "code_file_broke": ("bước lấy tệp gặp lỗi", "fetching its files broke in the hub"),
    "code_code_unusable": ("mã đối tác cấp không dùng được", "the code that the partner issued cannot be used"),
    "code_store_unavailable": ("kho dữ liệu của trục chưa dùng được", "the hub's own store could not be used"),
    # of the connectors
    "code_http": ("đối tác trả lời HTTP {}", "the partner answered with HTTP {}"),
    "code_outcome_unknown": (
        "chưa khai báo nghĩa của câu trả lời (outcomes)",
        "its settings do not say what the answer means (outcomes)",
    ),
    "code_empty_answer": ("đối tác trả lời rỗng", "the answer was empty"),
    "code_unreadable_answer": ("không đọc được trả lời của đối tác", "the partner's answer cannot be read"),
    "code_answer_too_large": ("trả lời của đối tác quá lớn", "the partner's answer is too large"),
    "code_soap_version": ("đối tác trả lời bằng phiên bản SOAP khác", "the answer is of the other SOAP version"),
    "code_mtom": ("trả lời có tệp đính kèm, trục không đọc", "the answer has attachments, which are not read"),
    "code_must_understand": (
        "trả lời có phần đầu SOAP bắt buộc mà trục không biết",
        "the answer has a SOAP header that must be understood, and is not",
    ),
    "code_fault": ("đối tác báo lỗi SOAP không có mã", "a SOAP fault without a code"),
    "code_misfit": ("thông điệp không khớp WSDL của đối tác", "the message does not fit the partner's WSDL"),
    "code_schema": ("điểm nhận không gửi lược đồ này", "the endpoint does not send messages of this schema"),
    "code_duplicate": ("đối tác nói đã có, có thể là bản cũ hơn", "the partner says it has it, perhaps an older state"),
    "code_look_up_refused": ("đối tác từ chối cho biết đã nhận chưa", "the partner refused to tell whether it has it"),
    "code_not_wsdl": ("địa chỉ của đối tác không trả về WSDL", "the partner's address gives no WSDL"),
    "code_session": ("đối tác từ chối phiên đăng nhập mới", "the partner refused a new session"),
    "code_json_type": ("giá trị sai kiểu JSON mà đối tác cần", "a value is not of the JSON type that the partner wants"),
    "code_is_updating": ("isUpdating không phải True hay False", "isUpdating is neither True nor False"),
    "code_question": ("câu hỏi thiếu thông tin", "the question lacks what it takes"),
    "code_officer": ("thiếu khóa của cán bộ tra cứu", "there is no key of the officer who asks"),
    "code_ambiguous": ("nhiều công dân khớp với câu hỏi", "the question fits several citizens"),
    "code_unreadable_record": ("không đọc được thông tin công dân", "the registry's record cannot be read"),
    # all others
    "code_of_partner": ("đối tác từ chối", "refused by the partner"),
    "code_of_mapping": ("không chuyển đổi được", "cannot be translated"),
}
