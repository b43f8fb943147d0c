"""What `benchmarks/fit_negatives.py` fitted: made by it, not written by hand."""

from typing import Final

SIEVE_FROM: Final = -1.0003
PROBE_FROM: Final = 0.9254
SIEVE_WEIGHTS: Final = (
    "yEfdkA+!p(G%*#oXg4A=STX}V-Lkbk|Fn5Na>AWPPr&G^{WqyQq&<i`al*rJ*S#+nJ)|VH2DR0;_$f`bSGLiuFSr"
    "W2Ev`m18Mq>`$hX!n95rjI;k5m&<FLH6)ir=Uqp)?jeY}n=XE~rV<t-byq&M5ECOSbmgtIv{%Q-K=4<LiN{=LGug"
    "t}llj4ZFfQ#bm)LpC+MbUkM|v_5XYUp-Aa5WW(uC_EBA@wliz&q0Si!Ll$odqFR~puR^yE;;(T3NEs;Nwf;EZn4B"
    "Ps4&nqP_3Ofwy<|FAF?Y!%sxH46t;FZz&I+xTEnfu{y+dXOT@6XUBO^Ta5M%Psihn>`!G7O{jL7AyEI%hhAg+HR<"
    "yOFojP)@u)eW5l{&1$N5QqfAwBdi0l>~XR=Z&=I5r|Oz%fXnP%<;FaI?Rz%QUAUY?!#N<*~!FYd%^$rz!0?7Cja?"
    "GQd%|<2sr)!Ym`Y<}hhJ9<W+84m1})S3ao0L$!)Ag|zLoW<~Bm#kFB5yR<RD?L{g?-95&%nm({L3C4NB)4{JfXuW"
    "E{cePNw"
)
PROBE_WEIGHTS: Final = (
    "P91We>K4SMx)nkhXsm^*5|Mu)gC{g0MxA}6ysB&zx+WkQ4yuNp%qFR#R-PUx1f*A`!X`T@yDBrIzOmyez^LFMcd*"
    "YVsF#<hcOi<OC#*6hkD(x_{Vw?^g(;+;u%mpBC7Q>cjGovgNu+n8c%(R|GOd3b6eBRA9HiKvPpEU55FlD4JR$KRw"
    "Iv87W~iqoM45;xs~GnqA)N~-Fd!rz2PpBM5+9}}+M`UUCXjBX#iDhk#~j<KkS4UNoGB+J#~@dwDy!q9pC~b|87Ym"
    "ZR-^nLy&;|@Ypy7h&ZxO5SgMMts3ZU?<esOk?=Y?`zZ*~<E+o1u-72~vcd92B;V2iZ(xI;?DJtKvL#l+WP@smb7_"
    "N}32QZMd>nx6xc&o*tbEbitZzpmj$fyUT$edm%Tddiwvno!cb0*lRpQQ7kOsQHc{3(bc*(QXUJe)P0lPUim2_)Ae"
    ";vdo`!K7az>M8XkO{M9poSieR%b`)0OD{|;gAuVF)Ff0LhbjFmF_dp4Hlu+hk1HW8Bq9-+V=A$%lOW6{{iR(g*Ch"
    "FyS}%F0+NG?dGAzFwDkuV~n5NL4{;o18#EpHOU8-CTEiF);7NTn`WF_$;116WBL6S$M5v`-BvzkpSJ0rL!>8ceXy"
    "CIjV9UNyUW~wKvts>a1V5gWJj3W-7Yo)-QFsq6#iKVJ44JuL+(WhaR4X5g(v?K&1Go{QOf2$~}pP(%*&nDWb#i=Q"
    "%-zE~KRUZ(jrKM1)Po?!KhpAAaa2z49maI0YCaQLu-K$n8H=y^gZ=|KAS0$GzU7t}PEw2%=TbR!zPOe6x4J5#)aj"
    "PD%z9Chg(Jba3NGJU-(5px)6QznG^{YE6t|CU745v++N~ch$@2=S_4I0lN?xnRMrXf$Nu9?rMFQFi)j;QLZk0lGQ"
    "p(6Ywnyyo;+Nr>yvm|h&52S#r>Z!{gX|1@XC#2n=1}r$SfU5W_f2)zFN2~O!{3;I{`X&h{KBn-g+9#N*<0IRs3Z8"
    "PLj-|Jx?I5lZ#SbH-$SLU|IUu$mtEKXzl%K>UT`UPFo~k~j2_}1}OQM0Nr>poOex-G%t{(duQ!G@c$fuJVd!#ubG"
    "NR2M?kKS-wWUcWCn#<#KBFrptRQ$JWt>~1Y9-d8@t~3)bEJNw!k?@sbfVfN@uk-w)2hfO9Vs8BBq^Jvz#L|z-;}P"
    "TRh&{KE32BCZKd%kg(M81IG!sd`JsBL!Y7ZIN*i~fB_Lduej#I_^dRJ?c&G`azoc!Q_N9Fel_Uut2q}iDf*<Lik0"
    "Qwy7bGC6k{&FilO78l6dhL|1}G7&q#|{s&m*3sjv&@0OC5rwSEb1+`yU6VMyfubt)}!Lv!orTo~nVTz@Epc4Jg*6"
    "Od_Y9h^SW~Z>NhUa2*b%7$xDF;}?V`a~}i@^QYP?lBIy9BBGZdU#Kr4btt<X2O41^ydtuu#3)E5`<92ESE1!4(4x"
    "Mp9h`cnzN0y)y{Rl852Ep@CnqweDJPJk&?sc7;~{Av|EI&HEFR~hWFfUCvmaU-Y#+fSZzy}DyCnA_p(xd!FDSVoA"
    "1F5-N2p{IOr(vXXeVzX@*s>P>nic5+@gXJDJd<V1F0seQK9TA7NBe?45T}mWgD|8B`Aa(Wv0KPZVDHuF(^o!Lz7h"
    "`Bb{3$AE_-I$fGbFp{s!+N-W(c=%L=IEvbB^4kbS*S|ybwilrT$^&4j<bt<i;ucsuSkt9fvGbKx<jUv1f?V^7eNv"
    "7%|463;&rX&)e#3Y`g6PS3OHKE#~?xkWRTA>Lj{UXE}%PC5!oU3UeB%T8*_#}E9<D}lAp`YxaaV07!yd<rmX{4^E"
    "DWX~=KPl=Q-zEVmZ4GiIeW4m61toSKK%!@#<DmW{B&Aj;AgPHR+?8b^!lFVZouaCxIiVCIMx5x7x}yWBaU^ae1+b"
    "2+bso>CxhSTl2rf%6Y${nQ5-l{SX(;C)SE<{n*Q<-HH>wFM+Mo$65G&*@_b3q~_^ZaQoF%rW%bk{`VXIjtI;It{G"
    "%vm^Xf9B)p(;SGu_{om04@lx_Z|hT_#xUZ6tFd^qpS9=kSnjQ=PlGOny-(h(wHtGRICIi0I3Qo6R%Mvm#KlQhbXz"
    "MXs@5DNHBM+;jJ1d^ely|^rM3+FRSpSa;lZE9ji7XR;;qHnIws&aj1!~#4j!+zNwO{5SsrjBBSk}<e)vO(jZMHD="
    "k^Ao~-94S|&xII;+g2L8G-HI;<+9TdRMlII1=(uB~n=ys^A0$SDo3Gc3=gjjYBfYAy;UtDU~6ZY)HdXC&sOmnXg}"
    "*RL~?3Mdk*=_n7Wk}i_0p(Xhhtfc}ecAfvD>8RwdccfmcIH_E%ot?;=N3UNgqo_G7*(rFb>@3Eg!=*4QQYqZ9oR|"
    "o!6)evzE36W)s;+A(*rw$jIiRSlkgazp&nvPqnJ%xVDY8ba$SGkcfGSKY`<#!lqaq8c&a7yNE1=k}3atYpHUa6YF"
    "08#OLaDl{{F;Lwfg|9mwyUcs4J|XTVXrDHFR5uPA*`=35hX3CO(75|8LYG_*Co}TC@F2HOBws35v*IR(V~E@sHwj"
    "$S|xp{BrTe*9xcTw)}sz05iG1KW*~Z{%&#e|u^(_S{4Il}xEvX<Z7EDCt|p)r->-M6U9MCi1gJ2jPoZ_K?k$Qe=C"
    "Nm}%PL~7HJ>7{l_r5JJ)Ll={G;Bj9HkSPXq4urK&b(&N+drn4<<yQ_bq|01}y%jrl~ipnJjFiy)C1yTO_ioFQn6}"
    "<t&z&cPeu#+A4l6(5;H7t+25ycq${FYbje4xUdAGJ+JX9O(burIVgRormbHXo+E~$pcQ8<wXBRCVk<Qh"
)
