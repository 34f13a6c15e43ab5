update ho_so set so_cccd = '002191000002', cap_nhat = '2026-11-21 08:06:00' where so_ho_so = '000.00.12.H22-261121-0002'
