"""A writer that pauses longer than any quiet time: `python slow_writer.py FILE` writes a second record after 7 s."""

import sys
import time

HEADER = "campaign_id,ad_id,date,brand,country,state,city,zipcode,impressions,clicks,spend,conversions"
PLACE = "b,US,CA,LA,00501"

with open(sys.argv[1], "w") as file:
    print(HEADER, f"slow 1,a1,2026-11-20,{PLACE},1000,100,1.5,10", sep="\n", file=file, flush=True)
    time.sleep(7)
    print(f"slow 2,a1,2026-11-20,{PLACE},1000,100,1000.5,10", file=file)
