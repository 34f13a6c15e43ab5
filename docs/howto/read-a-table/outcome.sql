select so_ho_so, ket_qua, length(bien_nhan) from ho_so order by so_ho_so
