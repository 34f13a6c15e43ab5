update ho_so set trang_thai = 'XL', can_bo = 'Vàng Mí Sơn', noi_dung = 'Đang tra cứu sổ gốc', cap_nhat = '2026-11-21 08:04:00'
  where so_ho_so = '000.00.12.H22-261121-0001'
