insert into ho_so (so_ho_so, thu_tuc, trang_thai, nguoi_nop, so_cccd, trich_yeu, tiep_nhan, hen_tra, noi_tra, can_bo, noi_dung, cap_nhat) values
  ('000.00.12.H22-261121-0001', 'TL', 'TN', 'Nguyễn Văn Bình', '002090000001', 'Trích lục khai sinh', '2026-11-21 08:00:00', '2026-11-24 17:00:00', 'quay', 'Lý Thị Hoa', 'Đã tiếp nhận hồ sơ', '2026-11-21 08:00:00'),
  ('000.00.12.H22-261121-0002', 'KS', 'TN', 'Trần Thị Mai', '12345', 'Khai sinh; bản chính', '2026-11-21 08:02:00', '2026-11-25 17:00:00', 'buudien', 'Lý Thị Hoa', 'Đã tiếp nhận hồ sơ', '2026-11-21 08:02:00')
