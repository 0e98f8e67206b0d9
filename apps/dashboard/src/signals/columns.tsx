import type { GoldenSignals } from '../api/signals';
import { Tag } from '../ui/signs';
import type { Column } from '../ui/table';
import ui from '../ui/ui.module.css';
import { attemptsWords, failureTone, latencyWords, openWords, rateWords, shareWords } from './words';

/** How many of the requests fail, with the colour of how bad that is. */
export const Failing = ({ of }: { readonly of: GoldenSignals }) =>
  of.count === 0 ? <>–</> : <Tag tone={failureTone(of)}>{shareWords(of.failureShare)}</Tag>;

/** 1.00 = nothing was retried. For what requests are known of: not for instances. */
export const attemptsColumn = <T,>(signalsOf: (row: T) => GoldenSignals): Column<T> => ({
  ...{ head: 'Attempts', width: '76px', atEnd: true, wide: true },
  cell: (row) => attemptsWords(signalsOf(row)),
});

/** What other columns say, for where there are none. */
const briefWords = (of: GoldenSignals): string =>
  of.latency ? `${rateWords(of.rate)}, p99 ${latencyWords(of, 'p99')}` : rateWords(of.rate);

/** @param signalsOf undefined = nothing is known of it */
export function signalColumns<T>(signalsOf: (row: T) => GoldenSignals | undefined): readonly Column<T>[] {
  const said = (words: (signals: GoldenSignals) => string) => (row: T) => {
    const signals = signalsOf(row);
    return signals ? words(signals) : '–';
  };
  return [
    { head: 'Rate', width: '92px', atEnd: true, wide: true, cell: said(({ rate }) => rateWords(rate)) },
    {
      head: 'Failing',
      width: '104px',
      atEnd: true,
      cell: (row) => {
        const signals = signalsOf(row);
        return signals ? (
          <>
            <Failing of={signals} />
            <span className={`${ui.narrow} ${ui.rowText}`}>{briefWords(signals)}</span>
          </>
        ) : (
          '–'
        );
      },
    },
    { head: 'p50', width: '76px', atEnd: true, wide: true, cell: said((of) => latencyWords(of, 'p50')) },
    { head: 'p99', width: '76px', atEnd: true, wide: true, cell: said((of) => latencyWords(of, 'p99')) },
    { head: 'Open', width: '76px', atEnd: true, wide: true, cell: said(openWords) },
  ];
}
