create table ho_so (
  so_ho_so text primary key, thu_tuc text not null, trang_thai text not null, nguoi_nop text, so_cccd text, trich_yeu text,
  tiep_nhan text not null, hen_tra text, noi_tra text, can_bo text, noi_dung text, cap_nhat text not null,
  bien_nhan text, ket_qua text
);
create index ho_so_cap_nhat on ho_so (cap_nhat, so_ho_so);
create view v_ho_so as select
  so_ho_so, thu_tuc, trang_thai, nguoi_nop, so_cccd, trich_yeu, noi_tra, can_bo, noi_dung, cap_nhat,
  strftime('%d/%m/%Y %H:%M', tiep_nhan) as ngay_tiep_nhan, strftime('%d/%m/%Y %H:%M', hen_tra) as ngay_hen_tra,
  strftime('%d/%m/%Y %H:%M', cap_nhat) as cap_nhat_luc
from ho_so
