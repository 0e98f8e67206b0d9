import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import css from './ui.module.css';

interface DialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
}

/** Asks something before it is done. Its head is no landmark: there is one banner, that of the page. */
export const Dialog = ({ opened, onClose, title, children }: DialogProps) => (
  <Modal.Root opened={opened} onClose={onClose} size="lg" centered>
    <Modal.Overlay blur={2} backgroundOpacity={0.35} />
    <Modal.Content>
      <Modal.Body>
        <div className={css.dialogHead}>
          <Modal.Title>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        {children}
      </Modal.Body>
    </Modal.Content>
  </Modal.Root>
);
