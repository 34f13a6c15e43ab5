import random, time
from seams.processes import Child, DEADLINE
def test_x(new_world):
    w=new_world()
    bad=[]
    for n in range(15):
        w.forget()
        kids=[Child.start(w._launcher,"hub",["--home",str(w.home),"key","list","--json"],w.home,f"k{i}",{}) for i in range(3)]
        codes=[k.ended(DEADLINE) for k in kids]
        if any(codes): bad.append((codes,[k.out.read_text() for k in kids]))
    print(len(bad), bad[:3])
    assert not bad
