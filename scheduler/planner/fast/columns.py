"""Names of the columns of a board's tables.

Compiled code takes few wide tables rather than many narrow ones: compiling one function takes as
long as its arguments are many.
"""

# Board.job: what never changes, ...
WANT = 0  # units
SLOTS = 1  # of all units
VALUE = 2  # mills per hour of a unit that counts
COUNTED = 3  # units that count
DENSITY = 4  # worth of a slot, thousandths of mills per hour
PACKING = 5  # group that shares bins
KIN = 6  # jobs that may go to the same racks in the same company have the same number
MOVABLE = 7  # 0 or 1
KEEPS = 8  # racks of the largest domain that the job's group keeps
ZONES = 9  # row of Board.zone
OWNER = 10  # group that keeps domains, NONE: the job keeps nothing
ROAMS = 11  # 1: some other keeper may let the job onto what it keeps
NARROW = 12  # 1: the job has to lie on one rack
SMALL = 13  # 1: a unit may fit into what is left of a bin
MERIT = 14  # thousandths of what its room is worth, 0 where that is not known
# ... and what does.
TOTAL = 15  # units placed
FIRST_SHARD = 16  # NONE: none
WAITS_AT = 17  # place in Board.waiting, NONE: in none
MARK = 18  # step that listed the job last
JOB_COLUMNS = 19

# Board.rack
FREE = 0  # slots in free bins
BIN_SIZE = 1  # slots
SIZE_KIND = 2  # column of Board.size
COST_KIND = 3  # column of Board.cost
KEEPER = 4  # owner that keeps the rack right now, NONE: nobody does
OPEN_AT = 5  # place among the open racks of its keeper, NONE: it has no free slots
BLOCK = 6
LIMITS = 7  # first entry in Board.limit; the next rack's is the end
FIRST_ON_RACK = 8  # shard, NONE: none
RACK_COLUMNS = 9

# Board.limit: entries of linear limits, rack by rack
ROW, WEIGHT, DEMAND = 0, 1, 2  # DEMAND: column of Board.demand
LIMIT_COLUMNS = 3

# Board.form: forms that say who may share domains
DOMAINS, GROUPS, FIRST_CELL, FIRST_GROUP, FIRST_DOMAIN = 0, 1, 2, 3, 4
FORM_COLUMNS = 5

# Board.group: groups of these forms
MOST_DOMAINS, FREE_DOMAINS, PRICE, SPREAD = 0, 1, 2, 3  # SPREAD: domains with units
IS_OWNER = 4  # number of the owner that the group is, NONE: it keeps nothing
IS_LONER = 5  # 1: it shares domains with no other group
GROUP_COLUMNS = 6

# Board.company: groups in a domain of one form, and those of them that are loners
ALL, LONERS = 0, 1
COMPANY_COLUMNS = 2

# Board.cell: a group and a domain of one form
INSIDE, FOES = 0, 1  # units there; groups there, no loners, that keep the group out
CELL_COLUMNS = 2

# Board.owner: groups that keep domains
FORM, GROUP, DOMAIN_SLOTS = 0, 1, 2  # slots of a typical domain
OWNER_COLUMNS = 3

# Board.shard
JOB, RACK, UNITS, NEXT_OF_JOB, NEXT_ON_RACK, BEFORE_ON_RACK = 0, 1, 2, 3, 4, 5
SHARD_COLUMNS = 6

# Board.bins: by packing group and rack; racks with a bin that is filled in part are linked.
# LEFT: slots that are left in it
LEFT, NEXT_RAGGED, BEFORE_RAGGED = 0, 1, 2
BIN_COLUMNS = 3

# Board.tally
PROFIT = 0  # of all that lies on the board, mills per hour
SLOT_PRICE = 1  # what the last slot earns, thousandths of mills per hour
STEP = 2  # steps taken
KEPT_PROFIT, BEST_PROFIT = 3, 4  # of the plan before the kick, and of the best one
IS_PRICED = 5  # 1: the merit of jobs is known
TALLY_COLUMNS = 6

# Desk.found: racks that may take some of a job
FOUND, ROOM, OWN = 0, 1, 2  # the rack; units that it takes; 1: on the group's own ground
FOUND_COLUMNS = 3

# Desk.place: zones or blocks: their ROOM and OWN
