// The state behind mutant.h: plain arrays, there before any object of the program is made.
#include "mutation/mutant.h"

namespace mutant {

int active = -1;
unsigned char reached[kMost];
unsigned char not_sites[kMost];

void note_not_a_site(int id) { not_sites[id] = 1; }

}  // namespace mutant
